//! Arguments of the functions, read from JSON. Every error is one line that names the argument, what was expected and
//! what was found.

use serde_json::Value;

/// The largest integer that is accepted as a size: what is larger has no memory, or no end.
const LARGEST: u64 = 100_000_000;

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_string(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_string(),
        Value::String(_) => "a string".to_string(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn expected(name: &str, expected: &str, found: &Value) -> String {
    format!("`{name}`: expected {expected}, found {}", described(found))
}

/// The argument `name`, a number.
///
/// # Errors
/// If it is missing or something else; so for the other functions here.
pub fn number(input: &Value, name: &str) -> Result<f64, String> {
    input[name].as_f64().ok_or_else(|| expected(name, "a number", &input[name]))
}

/// A size: an integer that is not negative.
///
/// # Errors
/// See [`number`].
pub fn count(input: &Value, name: &str) -> Result<usize, String> {
    let found = input[name].as_u64().filter(|&n| n <= LARGEST);
    found
        .map(|n| n as usize)
        .ok_or_else(|| expected(name, &format!("an integer from 0 to {LARGEST}"), &input[name]))
}

/// A size that is at least 1.
///
/// # Errors
/// See [`number`].
pub fn positive(input: &Value, name: &str) -> Result<usize, String> {
    match count(input, name)? {
        0 => Err(expected(name, "an integer of at least 1", &input[name])),
        n => Ok(n),
    }
}

/// A list of anything.
///
/// # Errors
/// See [`number`].
pub fn list<'a>(input: &'a Value, name: &str) -> Result<&'a [Value], String> {
    input[name].as_array().map(Vec::as_slice).ok_or_else(|| expected(name, "a list", &input[name]))
}

fn numbers(values: &Value, name: &str) -> Result<Vec<f64>, String> {
    let found = values.as_array().ok_or_else(|| expected(name, "a list of numbers", values))?;
    found.iter().map(|x| x.as_f64().ok_or_else(|| expected(name, "a number", x))).collect()
}

/// A list of numbers.
///
/// # Errors
/// See [`number`].
pub fn vector(input: &Value, name: &str) -> Result<Vec<f64>, String> {
    numbers(&input[name], name)
}

/// A list of `n` numbers.
///
/// # Errors
/// See [`number`].
pub fn vector_of(input: &Value, name: &str, n: usize) -> Result<Vec<f64>, String> {
    let found = vector(input, name)?;
    if found.len() == n { Ok(found) } else { Err(expected(name, &format!("{n} numbers"), &input[name])) }
}

/// The same as an array.
///
/// # Errors
/// See [`number`].
pub fn array<const N: usize>(input: &Value, name: &str) -> Result<[f64; N], String> {
    let found = vector(input, name)?;
    found.try_into().map_err(|_| expected(name, &format!("{N} numbers"), &input[name]))
}

/// `rows` lists of `columns` numbers each, one after another; `None` for any number.
///
/// # Errors
/// See [`number`].
pub fn matrix(
    input: &Value,
    name: &str,
    rows: Option<usize>,
    columns: Option<usize>,
) -> Result<(Vec<f64>, [usize; 2]), String> {
    let found = list(input, name)?;
    if rows.is_some_and(|rows| rows != found.len()) {
        return Err(expected(name, &format!("{} lists", rows.unwrap_or(0)), &input[name]));
    }
    let columns = columns.or_else(|| found.first().and_then(Value::as_array).map(Vec::len)).unwrap_or(0);
    let mut elements = Vec::with_capacity(found.len() * columns);
    for row in found {
        let row_elements = numbers(row, name)?;
        if row_elements.len() != columns {
            return Err(expected(name, &format!("lists of {columns} numbers"), row));
        }
        elements.extend(row_elements);
    }
    Ok((elements, [found.len(), columns]))
}

/// Integers from 0 to below `end`.
///
/// # Errors
/// See [`number`].
pub fn indices(values: &[Value], name: &str, end: usize) -> Result<Vec<usize>, String> {
    let index = |value: &Value| value.as_u64().map(|at| at as usize).filter(|&at| at < end);
    let range = format!("an integer below {end}");
    values.iter().map(|value| index(value).ok_or_else(|| expected(name, &range, value))).collect()
}
