//! Lua's values as JSON. A table with the keys 1 to n is an array, another one an object; an empty one is an object.

use ironroot_application::Error;
use mlua::prelude::*;
use serde_json::{Map, Number, Value};

/// No table is nested deeper: one that contains itself would have no end.
const DEEPEST: usize = 64;

/// `encode(value)`: its JSON.
pub fn encode(lua: &Lua, value: LuaValue) -> LuaResult<LuaMultiValue> {
    crate::outcome(lua, to_json(&value, 0).map(|json| json.to_string()))
}

/// `decode(text)`: the value. `null` in an object is as if it were not there.
pub fn decode(lua: &Lua, text: LuaString) -> LuaResult<LuaMultiValue> {
    match serde_json::from_slice::<Value>(&text.as_bytes()) {
        Ok(json) => from_json(lua, &json)?.into_lua_multi(lua),
        Err(error) => crate::outcome::<()>(lua, Err(Error::argument(format!("it is not JSON: {error}")))),
    }
}

fn to_json(value: &LuaValue, depth: usize) -> Result<Value, Error> {
    if depth > DEEPEST {
        return Err(Error::argument(format!("tables are nested deeper than {DEEPEST}, or contain themselves")));
    }
    match value {
        LuaValue::Nil => Ok(Value::Null),
        LuaValue::Boolean(value) => Ok((*value).into()),
        LuaValue::Integer(value) => Ok((*value).into()),
        LuaValue::Number(value) => match Number::from_f64(*value) {
            Some(number) => Ok(number.into()),
            None => Err(Error::argument("JSON has no infinity, and nothing that is no number")),
        },
        LuaValue::String(text) => Ok(utf8(text)?.into()),
        LuaValue::Table(table) => table_to_json(table, depth),
        other => Err(Error::argument(format!("JSON has no {}", other.type_name()))),
    }
}

fn table_to_json(table: &LuaTable, depth: usize) -> Result<Value, Error> {
    let length = table.raw_len();
    if length > 0 {
        let items: Result<Vec<_>, _> =
            table.sequence_values::<LuaValue>().map(|item| to_json(&read(item)?, depth + 1)).collect();
        let items = items?;
        if items.len() != table.pairs::<LuaValue, LuaValue>().count() {
            return Err(Error::argument("a table is either a list or has names, and not both, for JSON"));
        }
        return Ok(items.into());
    }
    let mut object = Map::new();
    for pair in table.pairs::<LuaValue, LuaValue>() {
        match read(pair)? {
            (LuaValue::String(name), value) => object.insert(utf8(&name)?, to_json(&value, depth + 1)?),
            (other, _) => return Err(Error::argument(format!("a {} is no name in JSON", other.type_name()))),
        };
    }
    Ok(object.into())
}

fn utf8(text: &LuaString) -> Result<String, Error> {
    let text = text.to_str().map_err(|_| Error::argument("a string is no UTF-8 text, which JSON demands"))?;
    Ok(text.to_string())
}

fn read<T>(result: LuaResult<T>) -> Result<T, Error> {
    result.map_err(|error| Error::argument(format!("a table cannot be read: {error}")))
}

/// The value of JSON.
fn from_json(lua: &Lua, json: &Value) -> LuaResult<LuaValue> {
    match json {
        Value::Null => Ok(LuaNil),
        Value::Bool(value) => Ok(LuaValue::Boolean(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Ok(LuaValue::Integer(value)),
            (None, value) => Ok(LuaValue::Number(value.unwrap_or(f64::NAN))),
        },
        Value::String(text) => lua.create_string(text).map(LuaValue::String),
        Value::Array(items) => {
            let table = lua.create_table()?;
            for item in items {
                table.raw_push(from_json(lua, item)?)?;
            }
            Ok(LuaValue::Table(table))
        }
        Value::Object(object) => {
            let table = lua.create_table()?;
            for (name, value) in object {
                table.raw_set(lua.create_string(name)?, from_json(lua, value)?)?;
            }
            Ok(LuaValue::Table(table))
        }
    }
}
