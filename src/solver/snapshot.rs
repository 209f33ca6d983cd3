//! Bytes of a solver's state: bincode 2, standard configuration, behind a tag that names solver and
//! layout version. The only user of bincode among the solvers.

use serde::{Serialize, de::DeserializeOwned};

/// Encodes `state` behind `tag` (solver and layout version; change it with the layout).
pub fn encode<T: Serialize>(tag: &str, state: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec((tag, state), bincode::config::standard())
        .expect("a solver state holds only numbers, sequences and enums")
}

/// Decodes what [`encode`] wrote with the same `tag`.
///
/// # Errors
/// A message if the tag differs, the bytes do not decode, or some are left over.
pub fn decode<T: DeserializeOwned>(tag: &str, bytes: &[u8]) -> Result<T, String> {
    let config = bincode::config::standard();
    let (found, used): (String, usize) = bincode::serde::decode_from_slice(bytes, config)
        .map_err(|_| format!("not a {tag} snapshot"))?;
    if found != tag {
        return Err(format!("a {found} snapshot: expected {tag}"));
    }
    let (state, rest): (T, usize) = bincode::serde::decode_from_slice(&bytes[used..], config)
        .map_err(|error| format!("damaged {tag} snapshot: {error}"))?;
    if used + rest != bytes.len() {
        return Err(format!(
            "damaged {tag} snapshot: {} bytes too many",
            bytes.len() - used - rest
        ));
    }
    Ok(state)
}
