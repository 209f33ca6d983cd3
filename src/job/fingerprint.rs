//! Identity of a job's physics: canonical JSON, its SHA-256, and the differences between two.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with sorted keys and no white space; numbers in their shortest form.
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            let entries: Vec<_> = keys
                .into_iter()
                .map(|key| format!("{}:{}", Value::String(key.clone()), canonical_json(&map[key])))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical_json).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// SHA-256 as 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The paths at which two resolved jobs differ, one line each: `path: old -> new`, at most `most`.
pub fn differences(old: &Value, new: &Value, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    collect("", Some(old), Some(new), &mut lines);
    if lines.len() > most {
        let more = lines.len() - most;
        lines.truncate(most);
        lines.push(format!("… and {more} more"));
    }
    lines
}

fn collect(path: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    match (old, new) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, a.get(key), b.get(key), lines);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for i in 0..a.len().max(b.len()) {
                collect(&format!("{path}[{i}]"), a.get(i), b.get(i), lines);
            }
        }
        (a, b) if a != b => {
            let show = |v: Option<&Value>| v.map_or("(absent)".to_owned(), Value::to_string);
            lines.push(format!("{path}: {} -> {}", show(a), show(b)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_form_ignores_key_order_only() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":[0.1,{"d":2,"c":3}]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":[0.1,{"c":3,"d":2}],"b":1}"#).unwrap();
        assert_eq!(canonical_json(&a), r#"{"a":[0.1,{"c":3,"d":2}],"b":1}"#);
        assert_eq!(canonical_json(&a), canonical_json(&b));
    }

    #[test]
    fn differences_name_paths() {
        let old = json!({"model": {"kappa": 0.0}, "cells": [1, 2]});
        let new = json!({"model": {"kappa": 0.1}, "cells": [1]});
        assert_eq!(
            differences(&old, &new, 10),
            ["cells[1]: 2 -> (absent)", "model.kappa: 0.0 -> 0.1"]
        );
        assert_eq!(differences(&old, &new, 1).len(), 2);
    }

    #[test]
    fn sha256_of_abc() {
        assert!(sha256_hex(b"abc").starts_with("ba7816bf8f01cfea"));
    }
}
