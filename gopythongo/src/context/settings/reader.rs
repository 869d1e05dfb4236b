//! From values as they were written to a team's type: serde's side. Words become what the type asks for.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
        value::{MapDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    Origin, SettingsError,
    layers::written,
    node::{Node, Table, Value},
};
use crate::{context::SecretFrom, support::words};

/// Reads a type out of all layers.
///
/// # Errors
/// Every key that the type has not, and the first value that is not of its type.
pub(super) fn read<S: DeserializeOwned>(tree: &Table) -> Result<S, SettingsError> {
    let unknown = RefCell::default();
    let node = Node { value: Value::Table(tree.clone()), origin: Origin::Default };
    let result = S::deserialize(Reader { node: &node, key: String::new(), unknown: &unknown });
    let mut mistakes: Vec<String> = unknown.into_inner();
    match result {
        Ok(settings) if mistakes.is_empty() => Ok(settings),
        Ok(_) => Err(SettingsError { mistakes, hint: Some("`config` shows all keys".to_owned()) }),
        Err(error) => {
            mistakes.push(error.to_string());
            Err(SettingsError { mistakes, hint: None })
        }
    }
}

/// A value that is not of its type, and where it was written.
#[derive(Debug)]
struct ReadError {
    message: String,
    place: Option<String>,
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), place: None }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { message: format!("`{field}` has no value, and no default"), place: None }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ReadError {}

#[derive(Clone)]
struct Reader<'a> {
    node: &'a Node,
    key: String,
    unknown: &'a RefCell<Vec<String>>,
}

impl<'a> Reader<'a> {
    fn below(&self, name: &str, node: &'a Node) -> Self {
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        Self { node, key, unknown: self.unknown }
    }

    /// Says where the error is, unless something within has said it.
    fn placed<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|mut error| {
            if error.place.is_none() && self.node.origin != Origin::Default {
                error.place = Some(format!("{}: `{}`", self.node.origin, self.key));
            }
            error
        })
    }

    /// Words as a type of which they are meant to be one.
    fn parsed<T: std::str::FromStr>(&self) -> Option<T> {
        match &self.node.value {
            Value::Words(words) => words.trim().parse().ok(),
            _ => None,
        }
    }

    /// The list or table that words say.
    fn structure(&self, opening: char) -> Option<Node> {
        let Value::Words(words) = &self.node.value else { return None };
        let value = words.trim_start().starts_with(opening).then(|| written(words, &self.node.origin))??;
        Some(Node { value, origin: self.node.origin.clone() })
    }

    /// The names of a table that are fields, each as the type calls it; the others are noted.
    fn fields(&self, table: &'a Table, fields: &'static [&'static str]) -> Vec<(&'a str, &'a Node)> {
        for (name, node) in table.entries() {
            if !fields.iter().any(|field| table.get(field).is_some_and(|known| std::ptr::eq(known, node))) {
                let meant = words::nearest(name, fields.iter().copied());
                let meant = meant.map(|field| format!("; did you mean `{}`?", self.below(field, node).key));
                let key = self.below(name, node).key;
                let mistake = format!("{}: there is no setting `{key}`{}", node.origin, meant.unwrap_or_default());
                self.unknown.borrow_mut().push(mistake);
            }
        }
        fields.iter().filter_map(|field| Some((*field, table.get(field)?))).collect()
    }

    fn map<'de, V: Visitor<'de>>(&self, entries: Vec<(&'a str, &'a Node)>, visitor: V) -> Result<V::Value, ReadError> {
        let entries = entries.into_iter().map(|(name, node)| (name, self.below(name, node)));
        self.placed(visitor.visit_map(Entries { entries: entries.collect::<Vec<_>>().into_iter(), next: None }))
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for Reader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Numbers: words are parsed, everything else is what it is.
macro_rules! numbers {
    ($($method:ident $type:ty, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match self.parsed::<$type>() {
                Some(number) => self.placed(visitor.$visit(number)),
                None => self.plain(visitor),
            }
        }
    )*};
}

impl<'a> Reader<'a> {
    /// A value as what it was written as; words are text.
    fn plain<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Bool(value) => self.placed(visitor.visit_bool(*value)),
            Value::Integer(value) => self.placed(visitor.visit_i64(*value)),
            Value::Float(value) => self.placed(visitor.visit_f64(*value)),
            Value::Text(text) | Value::Words(text) => self.placed(visitor.visit_str(text)),
            Value::List(nodes) => {
                let nodes = nodes.iter().enumerate().map(|(at, node)| self.below(&at.to_string(), node));
                self.placed(visitor.visit_seq(Items(nodes.collect::<Vec<_>>().into_iter())))
            }
            Value::Table(table) => self.map(table.entries().collect(), visitor),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let scalar = match &self.node.value {
            Value::Words(words) => written(words, &self.node.origin),
            _ => None,
        };
        match scalar {
            Some(value) => {
                let node = Node { value, origin: self.node.origin.clone() };
                Reader { node: &node, key: self.key, unknown: self.unknown }.plain(visitor)
            }
            None => self.plain(visitor),
        }
    }

    numbers! {
        deserialize_bool bool, visit_bool;
        deserialize_i8 i8, visit_i8;
        deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32;
        deserialize_i64 i64, visit_i64;
        deserialize_u8 u8, visit_u8;
        deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32;
        deserialize_u64 u64, visit_u64;
        deserialize_f32 f32, visit_f32;
        deserialize_f64 f64, visit_f64;
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.plain(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.plain(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.plain(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let Some(node) = self.structure('[') {
            return Reader { node: &node, key: self.key, unknown: self.unknown }.plain(visitor);
        }
        let Value::Words(text) = &self.node.value else { return self.plain(visitor) };
        let origin = &self.node.origin;
        let item = |word: &str| Node { value: Value::Words(word.trim().to_owned()), origin: origin.clone() };
        let node = Node { value: Value::List(text.split(',').map(item).collect()), origin: origin.clone() };
        Reader { node: &node, key: self.key, unknown: self.unknown }.plain(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.structure('{') {
            Some(node) => Reader { node: &node, key: self.key, unknown: self.unknown }.plain(visitor),
            None => self.plain(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let written = self.structure('{');
        let node = written.as_ref().unwrap_or(self.node);
        let reader = Reader { node, key: self.key, unknown: self.unknown };
        match &node.value {
            Value::Table(table) => reader.map(reader.fields(table, fields), visitor),
            _ => reader.plain(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let written = self.structure('{');
        let node = written.as_ref().unwrap_or(self.node);
        let reader = Reader { node, key: self.key, unknown: self.unknown };
        let result = match (&node.value, &node.origin) {
            (Value::Words(_), Origin::Variable(variable)) if name == SecretFrom::NAME => {
                let source = MapDeserializer::new([("env", variable.as_str())].into_iter());
                visitor.visit_enum(de::value::MapAccessDeserializer::new(source))
            }
            (Value::Words(_) | Value::Text(_), _) if name == SecretFrom::NAME => Err(de::Error::custom(
                "a secret is not written there; say where it is, `{ env = \"NAME\" }`, `{ file = \"PATH\" }`, \
                 `{ command = [\"PROGRAM\"] }` or `{ vault = { path = \"PATH\", field = \"NAME\" } }`",
            )),
            (Value::Words(word) | Value::Text(word), _) => {
                visitor.visit_enum(IntoDeserializer::<ReadError>::into_deserializer(word.as_str()))
            }
            (Value::Table(table), _) => {
                let mut entries = reader.fields(table, variants).into_iter();
                match (entries.next(), entries.next()) {
                    (Some((variant, node)), None) => {
                        visitor.visit_enum(Variant { variant, reader: reader.below(variant, node) })
                    }
                    _ => {
                        let variants: Vec<String> = variants.iter().map(|variant| format!("`{variant}`")).collect();
                        Err(de::Error::custom(format!("it is one of {}", words::list(&variants))))
                    }
                }
            }
            (value, _) => Err(de::Error::invalid_type(unexpected(value), &"one of several words")),
        };
        reader.placed(result)
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Integer(value) => Unexpected::Signed(*value),
        Value::Float(value) => Unexpected::Float(*value),
        Value::Text(text) | Value::Words(text) => Unexpected::Str(text),
        Value::List(_) => Unexpected::Seq,
        Value::Table(_) => Unexpected::Map,
    }
}

struct Items<'a>(std::vec::IntoIter<Reader<'a>>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<(&'a str, Reader<'a>)>,
    next: Option<Reader<'a>>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((name, reader)) = self.entries.next() else { return Ok(None) };
        self.next = Some(reader);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let reader = self.next.take().ok_or_else(|| <ReadError as de::Error>::custom("a value before its key"))?;
        seed.deserialize(reader)
    }
}

struct Variant<'a> {
    variant: &'a str,
    reader: Reader<'a>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = ReadError;
    type Variant = Reader<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'a>), ReadError> {
        let variant = seed.deserialize(StrDeserializer::<ReadError>::new(self.variant))?;
        Ok((variant, self.reader))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_struct("", fields, visitor)
    }
}
