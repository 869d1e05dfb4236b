//! Every value that settings have in the end, with where it comes from.

use serde::{Deserialize as _, Serialize};

use super::{
    Origin,
    node::{Table, Value},
};
use crate::context::SecretFrom;

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its key: `deploy.port`.
    pub key: String,
    /// The value; of a secret `***`, and where it is: `*** (variable TOKEN)`.
    pub value: serde_json::Value,
    /// Where the value was written.
    pub origin: Origin,
}

/// Lists all values: settings that cannot be shown as JSON have none.
pub(super) fn list<S: Serialize>(settings: &S, tree: &Table) -> Vec<Setting> {
    let mut listed = Vec::new();
    if let Ok(value) = serde_json::to_value(settings) {
        walk("", &value, Some(tree), &Origin::Default, &mut listed);
    }
    listed
}

fn walk(key: &str, value: &serde_json::Value, tree: Option<&Table>, above: &Origin, listed: &mut Vec<Setting>) {
    let fields = value.as_object().filter(|fields| !fields.is_empty());
    if let Ok(secret) = SecretFrom::deserialize(value) {
        listed.push(Setting { key: key.to_owned(), value: format!("*** ({secret})").into(), origin: above.clone() });
    } else if let Some(fields) = fields {
        for (name, value) in fields {
            let node = tree.and_then(|tree| tree.get(name));
            let below = node.and_then(|node| match &node.value {
                Value::Table(table) => Some(table),
                _ => None,
            });
            // within a table that was written only names that were written have its place; a list was written as a whole
            let origin = match (node, tree) {
                (Some(node), _) => node.origin.clone(),
                (None, Some(_)) => Origin::Default,
                (None, None) => above.clone(),
            };
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            walk(&key, value, below, &origin, listed);
        }
    } else {
        listed.push(Setting { key: key.to_owned(), value: value.clone(), origin: above.clone() });
    }
}
