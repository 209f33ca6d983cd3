//! From a key path to its line, and from serde's messages to ours.

use crate::error::JobError;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// A job file's text with the positions of its keys.
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
    tree: DeTable<'a>,
}

impl<'a> Source<'a> {
    /// Parses the text.
    ///
    /// # Errors
    /// A syntax error with its line.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, JobError> {
        match DeTable::parse(text) {
            Ok(tree) => Ok(Self { file, text, tree: tree.into_inner() }),
            Err(error) => Err(Self::syntax(file, text, &error)),
        }
    }

    /// The values, without positions.
    ///
    /// # Errors
    /// Numbers that TOML allows and this program does not (out of the range of i64 or f64).
    pub fn table(&self) -> Result<toml::Table, JobError> {
        self.text.parse().map_err(|error| Self::syntax(self.file, self.text, &error))
    }

    fn syntax(file: &str, text: &str, error: &toml::de::Error) -> JobError {
        JobError {
            file: file.to_owned(),
            line: error.span().map(|span| line_at(text, span.start)),
            key: String::new(),
            message: format!("not valid TOML: {}", error.message().trim().replace('\n', ", ")),
        }
    }

    /// An error at `key` (dotted, `[i]` for array elements), with its line if the key or one of its
    /// parents stands in the file.
    pub fn error(&self, key: &str, message: impl Into<String>) -> JobError {
        JobError {
            file: self.file.to_owned(),
            line: self.line(key),
            key: key.to_owned(),
            message: message.into(),
        }
    }

    /// Decodes the value at `key`, which must be the path of `value`.
    ///
    /// # Errors
    /// With the path inside `value` added to `key`, and a suggestion for unknown keys.
    pub fn decode<T: DeserializeOwned>(
        &self,
        key: &str,
        value: toml::Value,
    ) -> Result<T, JobError> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let inner = error.path().to_string();
            let path = match (key, inner.as_str()) {
                (_, "." | "?") => key.to_owned(),
                ("", _) => inner,
                (_, _) => format!("{key}.{inner}"),
            };
            self.explain(&path, error.inner().message())
        })
    }

    /// Turns serde's message at `path` into an error; unknown fields get a suggestion.
    fn explain(&self, path: &str, message: &str) -> JobError {
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let child = |name: &str| {
            let parent = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
            if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
        };
        match quoted[..] {
            [name, ref known @ ..] if message.starts_with("unknown field") => {
                self.error(&child(name), unknown("key", name, known))
            }
            [name, ref known @ ..] if message.starts_with("unknown variant") => {
                self.error(path, unknown("value", name, known))
            }
            [name, ..] if message.starts_with("missing field") => {
                self.error(&child(name), "missing: this key is required")
            }
            _ => self.error(path, message.trim().replace('\n', ", ")),
        }
    }

    /// The line of the deepest part of `key` that stands in the file.
    fn line(&self, key: &str) -> Option<usize> {
        let steps = key.replace('[', ".[");
        let mut at = None;
        let mut node: Option<&DeValue> = None;
        for step in steps.split('.').filter(|s| !s.is_empty()) {
            if let Some(index) = step.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
                let Some(DeValue::Array(items)) = node else { break };
                let Ok(index) = index.parse::<usize>() else { break };
                let Some(item) = items.get(index) else { break };
                at = Some(item.span().start);
                node = Some(item.get_ref());
            } else {
                let table = match node {
                    None => &self.tree,
                    Some(DeValue::Table(table)) => table,
                    Some(_) => break,
                };
                let found = table.iter().find(|(name, _)| name.get_ref().as_ref() == step);
                let Some((name, value)) = found else { break };
                at = Some(name.span().start);
                node = Some(value.get_ref());
            }
        }
        at.map(|offset| line_at(self.text, offset))
    }
}

/// "unknown KIND, expected one of …; did you mean …?".
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3);
    let hint = nearest.map_or(String::new(), |(_, name)| format!("; did you mean `{name}`?"));
    match known {
        [] => format!("unknown {kind} \"{name}\""),
        _ => format!("unknown {kind} \"{name}\": expected one of {}{hint}", known.join(", ")),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count()
}
