//! The protocol: one answer to each message.

use crate::evals;
use crate::request::{Request, Tool};
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The state of the tool between messages: its name.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    tool: Tool,
}

impl Session {
    /// A tool of this name.
    pub fn new(tool: Tool) -> Session {
        Session { tool }
    }

    /// The answer to one line, without a line end.
    ///
    /// A line that is not a message has no `id` to repeat; its answer says what is wrong with `id` null.
    pub fn answer(&mut self, line: &[u8]) -> String {
        match serde_json::from_slice::<Value>(line) {
            Ok(message) => self.answer_message(&message),
            Err(error) => failure(&Value::Null, &format!("expected a JSON object, found {error}")),
        }
        .to_string()
    }

    fn answer_message(&self, message: &Value) -> Value {
        let id = &message["id"];
        match message["kind"].as_str() {
            Some("start") => json!({
                "id": id,
                "tool": self.tool.name(),
                "config": {"version": env!("CARGO_PKG_VERSION"), "threads": 1},
            }),
            Some("define") => match text(message, "module").and_then(|name| evals::named(name).map(drop)) {
                Ok(()) => json!({"id": id, "success": true}),
                Err(error) => failure(id, &error),
            },
            Some("evaluate") => match self.evaluate(message) {
                Ok((output, timings)) => {
                    let timings: Vec<Value> = timings
                        .iter()
                        .map(|nanoseconds| json!({"name": "evaluate", "nanoseconds": nanoseconds}))
                        .collect();
                    let mut answer = Map::new();
                    answer.insert("id".to_string(), id.clone());
                    answer.insert("success".to_string(), true.into());
                    // Moved, not copied: outputs are millions of numbers.
                    answer.insert("output".to_string(), output);
                    answer.insert("timings".to_string(), timings.into());
                    Value::Object(answer)
                }
                Err(error) => failure(id, &error),
            },
            _ => json!({"id": id}),
        }
    }

    /// The output of the function and the time of each run. A panic is a failure of this request alone.
    fn evaluate(&self, message: &Value) -> Result<(Value, Vec<u64>), String> {
        let eval = evals::named(text(message, "module")?)?;
        let request = Request::new(self.tool, text(message, "function")?, &message["input"])?;
        let output = catch_unwind(AssertUnwindSafe(|| eval(&request))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(said.unwrap_or("the evaluation panicked").to_string())
        })?;
        Ok((output, request.into_timings()))
    }
}

fn failure(id: &Value, error: &str) -> Value {
    json!({"id": id, "success": false, "error": error})
}

fn text<'a>(message: &'a Value, name: &str) -> Result<&'a str, String> {
    message[name].as_str().ok_or_else(|| format!("`{name}`: expected a string, found {}", message[name]))
}
