//! Hostile checkpoints: each begins as a good one of a run, in which something is replaced.

use super::catalogue::{Row, check, foreign, model};
use super::safetensors_files::FOREIGN;
use super::*;
use nn::optim::schedule::Plateau;
use nn::optim::{Average, Optimizer, Sgd};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::path::Path;

const KEY: &str = "nn.checkpoint";

/// Everything that a run restores.
struct Run {
    model: Linear,
    optimizer: Sgd,
    average: Average,
    plateau: Plateau,
}

impl Run {
    fn new(model: Linear) -> Run {
        let (average, plateau) = (Average::ema(0.5), Plateau::new(0.25));
        Run { model, optimizer: Sgd::new(0.25).momentum(0.5), average, plateau }
    }

    /// A run of one step.
    fn begun() -> Run {
        let mut run = Run::new(Linear::from_values([[1.0, 2.0]], [3.0]));
        let tape = tape::Tape::new();
        let grads =
            (run.model.weight.on(&tape).sum() + run.model.bias.as_ref().unwrap().on(&tape).sum()).backward();
        run.optimizer.step(&mut run.model, &grads);
        run.average.update(&run.model);
        run.plateau.observe(1.5);
        run
    }

    fn checkpoint(&self) -> Checkpoint<f64> {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("model", &self.model);
        checkpoint.put("optimizer", self.optimizer.save(&self.model));
        checkpoint.put("average", self.average.save());
        checkpoint.put("plateau", self.plateau.save());
        checkpoint.set_meta("epoch", 3);
        checkpoint.put_names("kinds", &["elm", "oak"]);
        checkpoint
    }

    /// The bytes of the state of each part.
    fn parts(&self) -> Vec<Vec<u8>> {
        ["model", "optimizer", "average", "plateau"]
            .map(|part| {
                let mut only = Checkpoint::new();
                only.put(part, self.checkpoint().take(part).unwrap());
                only.to_bytes().unwrap()
            })
            .into()
    }
}

/// Restores every part of a run: the parts that fail are unchanged, and the first error is returned.
fn restore(path: &Path) -> Result<String, FileError> {
    let mut checkpoint = Checkpoint::<f64>::load(path)?;
    let mut run = Run::new(model());
    let before = run.parts();
    let mut errors = Vec::new();
    let mut unchanged = |run: &Run, part: usize, result: Result<(), StateError>| {
        if let Err(error) = result {
            assert_eq!(run.parts()[part], before[part], "{error}");
            errors.push(FileError { path: path.to_owned(), kind: error.into() });
        }
    };
    let result = checkpoint.take_model("model", &mut run.model);
    unchanged(&run, 0, result);
    // The names are those of the parameters, whatever their values.
    let result = checkpoint.take("optimizer").and_then(|state| run.optimizer.restore(&run.model, state));
    unchanged(&run, 1, result);
    let result = checkpoint.take("average").and_then(|state| run.average.restore(&run.model, state));
    unchanged(&run, 2, result);
    let result = checkpoint.take("plateau").and_then(|state| run.plateau.restore(state));
    unchanged(&run, 3, result);
    let mut notes = || -> Result<String, StateError> {
        let (epoch, names) = (checkpoint.meta::<u32>("epoch")?, checkpoint.take_names("kinds")?);
        let _: StdRng = SeedableRng::seed_from_u64(epoch.into());
        Ok(format!("epoch {epoch}, {}, rate {}", names.join(" "), run.optimizer.learning_rate()))
    };
    let read = notes().map_err(|error| FileError { path: path.to_owned(), kind: error.into() });
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => read,
    }
}

fn good() -> Vec<u8> {
    Run::begun().checkpoint().to_bytes().unwrap()
}

/// The good checkpoint with its header changed.
fn header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = good();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    [&with_header(&header.to_string(), 0), &bytes[8 + length..]].concat()
}

/// The good checkpoint with another text in place of its metadata.
fn text(new: &str) -> Vec<u8> {
    header(|header| header["__metadata__"][KEY] = new.into())
}

/// The good checkpoint with a part of the text of its metadata replaced.
fn replaced(old: &str, new: &str) -> Vec<u8> {
    header(|header| {
        let text = &mut header["__metadata__"][KEY];
        let whole = text.as_str().unwrap();
        assert!(whole.contains(old), "{old} is not in {whole}");
        *text = whole.replacen(old, new, 1).into();
    })
}

/// The good checkpoint with a tensor under another name.
fn renamed(old: &str, new: &str) -> Vec<u8> {
    header(|header| {
        let entry = header.as_object_mut().unwrap().remove(old).unwrap_or_else(|| panic!("no {old}"));
        header[new] = entry;
    })
}

/// The good checkpoint with some bytes of a tensor replaced.
fn element(tensor: &str, value: f64) -> Vec<u8> {
    let mut bytes = good();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let at = 8 + length + header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    bytes
}

fn rows() -> Vec<Row> {
    let single = || {
        let mut checkpoint = Checkpoint::<f32>::new();
        checkpoint.put_model("model", &Linear::<f32>::from_values([[1.0, 2.0]], [3.0]));
        checkpoint.to_bytes().unwrap()
    };
    let rows = vec![
        // The container.
        ("nothing", vec![], Err("truncated: expected 8 bytes, found 0")),
        (
            "no tensor and no metadata",
            with_header("{}", 0),
            Err("not a valid checkpoint file: it is not marked as one"),
        ),
        (
            "a model that is no checkpoint",
            nn::to_bytes(&model()).unwrap(),
            Err("not a valid checkpoint file: it is not marked as one"),
        ),
        (
            "an archive of NumPy",
            npz::to_bytes::<f64>(&[]).unwrap(),
            Err("not a valid safetensors file: a header of 101010256 bytes, expected at most 100000000"),
        ),
        (
            "a body that is one byte short",
            good()[..good().len() - 1].to_vec(),
            Err("truncated: expected 896 bytes, found 895"),
        ),
        (
            "one byte more",
            [good(), vec![0]].concat(),
            Err("bytes follow after the 896 that the header announces"),
        ),
        ("tensors of f32", single(), Err("tensor \"model/bias\": expected f64, found f32")),
        (
            "metadata of another program",
            header(|header| header["__metadata__"] = serde_json::json!({"format": "pt"})),
            Err("not a valid checkpoint file: it is not marked as one"),
        ),
        (
            "metadata under two names",
            header(|header| header["__metadata__"]["format"] = "pt".into()),
            Ok("epoch 3, elm oak, rate 0.25"),
        ),
        (
            "metadata that are not text",
            header(|header| header["__metadata__"][KEY] = 1.into()),
            Err(
                "not a valid safetensors file: invalid type: integer `1`, expected a string at line 1 column 34",
            ),
        ),
        // The text.
        (
            "no text",
            text(""),
            Err("not a valid checkpoint file: EOF while parsing a value at line 1 column 0"),
        ),
        (
            "text that is not JSON",
            text("version 1"),
            Err("not a valid checkpoint file: expected value at line 1 column 1"),
        ),
        (
            "a text that is cut",
            text(r#"{"version":1,"notes":{}"#),
            Err("not a valid checkpoint file: EOF while parsing an object at line 1 column 23"),
        ),
        (
            "text after the object",
            text("{} x"),
            Err("not a valid checkpoint file: trailing characters at line 1 column 4"),
        ),
        (
            "a list",
            text("[1]"),
            Err("not a valid checkpoint file: version: expected a whole number, found none"),
        ),
        (
            "null",
            text("null"),
            Err("not a valid checkpoint file: version: expected a whole number, found none"),
        ),
        (
            "a number",
            text("1"),
            Err("not a valid checkpoint file: version: expected a whole number, found none"),
        ),
        (
            "1,000 lists within each other",
            text(&"[".repeat(1000)),
            Err("not a valid checkpoint file: recursion limit exceeded at line 1 column 128"),
        ),
        (
            "a command for the terminal",
            text("\u{1b}[2J"),
            Err("not a valid checkpoint file: expected value at line 1 column 1"),
        ),
        // The version.
        (
            "no version",
            replaced(r#""version":1"#, r#""aversion":1"#),
            Err("not a valid checkpoint file: version: expected a whole number, found none"),
        ),
        (
            "version 0",
            replaced(r#""version":1"#, r#""version":0"#),
            Err("checkpoint layout: expected version 1, found 0"),
        ),
        (
            "version 2",
            replaced(r#""version":1"#, r#""version":2"#),
            Err("checkpoint layout: expected version 1, found 2"),
        ),
        (
            "version 2^64 - 1",
            replaced(r#""version":1"#, r#""version":18446744073709551615"#),
            Err("checkpoint layout: expected version 1, found 18446744073709551615"),
        ),
        (
            "version 2^64",
            replaced(r#""version":1"#, r#""version":18446744073709551616"#),
            Err(
                "not a valid checkpoint file: version: expected a whole number, found 1.8446744073709552e+19",
            ),
        ),
        (
            "version -1",
            replaced(r#""version":1"#, r#""version":-1"#),
            Err("not a valid checkpoint file: version: expected a whole number, found -1"),
        ),
        (
            "version 1.0",
            replaced(r#""version":1"#, r#""version":1.0"#),
            Err("not a valid checkpoint file: version: expected a whole number, found 1.0"),
        ),
        (
            "a version that is text",
            replaced(r#""version":1"#, r#""version":"1""#),
            Err("not a valid checkpoint file: version: expected a whole number, found \"1\""),
        ),
        (
            "a version that is null",
            replaced(r#""version":1"#, r#""version":null"#),
            Err("not a valid checkpoint file: version: expected a whole number, found none"),
        ),
        (
            "two versions",
            replaced(r#""version":1"#, r#""version":1,"version":1"#),
            Err("not a valid checkpoint file: \"version\" appears more than once"),
        ),
        // Notes.
        (
            "no notes",
            text(r#"{"version":1,"parts":{}}"#),
            Err("not a valid checkpoint file: notes: expected an object, found none"),
        ),
        (
            "notes that are a list",
            text(r#"{"version":1,"notes":[],"parts":{}}"#),
            Err("not a valid checkpoint file: notes: expected an object, found []"),
        ),
        (
            "notes that are null",
            text(r#"{"version":1,"notes":null,"parts":{}}"#),
            Err("not a valid checkpoint file: notes: expected an object, found none"),
        ),
        (
            "a note that is a number",
            replaced(r#""epoch":"3""#, r#""epoch":3"#),
            Err("not a valid checkpoint file: note \"epoch\": expected text, found 3"),
        ),
        (
            "a note that is null",
            replaced(r#""epoch":"3""#, r#""epoch":null"#),
            Err("not a valid checkpoint file: note \"epoch\": expected text, found none"),
        ),
        (
            "a note twice",
            replaced(r#""epoch":"3""#, r#""epoch":"3","epoch":"4""#),
            Err("not a valid checkpoint file: \"epoch\" appears more than once"),
        ),
        (
            "a note twice, once with an escape",
            replaced(r#""epoch":"3""#, r#""epoch":"3","epoc\u0068":"4""#),
            Err("not a valid checkpoint file: \"epoch\" appears more than once"),
        ),
        (
            "a note under another name",
            replaced(r#""epoch":"3""#, r#""epochs":"3""#),
            Err("there is no \"epoch\" in this checkpoint"),
        ),
        (
            "an epoch that is negative",
            replaced(r#""epoch":"3""#, r#""epoch":"-3""#),
            Err("note \"epoch\": expected text that parses as the requested type, found \"-3\""),
        ),
        (
            "an epoch of 2^32",
            replaced(r#""epoch":"3""#, r#""epoch":"4294967296""#),
            Err("note \"epoch\": expected text that parses as the requested type, found \"4294967296\""),
        ),
        (
            "an epoch with a command for the terminal",
            replaced(r#""epoch":"3""#, r#""epoch":"\u001b[2J""#),
            Err("note \"epoch\": expected text that parses as the requested type, found \"\\u{1b}[2J\""),
        ),
        (
            "names that are no list",
            replaced(r#"[\"elm\",\"oak\"]"#, "elm"),
            Err("note \"kinds\": expected text that parses as the requested type, found \"elm\""),
        ),
        (
            "names that are numbers",
            replaced(r#"[\"elm\",\"oak\"]"#, "[1,2]"),
            Err("note \"kinds\": expected text that parses as the requested type, found \"[1,2]\""),
        ),
        (
            "a note that is not read",
            replaced(r#""epoch":"3""#, r#""epoch":"3","x":"y""#),
            Ok("epoch 3, elm oak, rate 0.25"),
        ),
        // Parts.
        (
            "no parts",
            text(r#"{"version":1,"notes":{}}"#),
            Err("not a valid checkpoint file: parts: expected an object, found none"),
        ),
        (
            "parts that are a list",
            text(r#"{"version":1,"notes":{},"parts":[]}"#),
            Err("not a valid checkpoint file: parts: expected an object, found []"),
        ),
        (
            "a part that is a list",
            replaced(r#""model":{}"#, r#""model":[]"#),
            Err("not a valid checkpoint file: part \"model\": expected an object, found []"),
        ),
        (
            "a part that is null",
            replaced(r#""model":{}"#, r#""model":null"#),
            Err("not a valid checkpoint file: part \"model\": expected an object, found none"),
        ),
        (
            "a part twice",
            replaced(r#""model":{}"#, r#""model":{},"model":{}"#),
            Err("not a valid checkpoint file: \"model\" appears more than once"),
        ),
        (
            "a part without its name, with tensors",
            replaced(r#""model":{}"#, r#""models":{}"#),
            Err("not a valid checkpoint file: tensor \"model/bias\" belongs to none of its parts"),
        ),
        (
            "a part that is not read",
            replaced(r#""model":{}"#, r#""model":{},"more":{"x":"1"}"#),
            Ok("epoch 3, elm oak, rate 0.25"),
        ),
        (
            "a tensor of no part",
            renamed("model/bias", "bias"),
            Err("not a valid checkpoint file: tensor \"bias\" belongs to none of its parts"),
        ),
        ("a tensor of another part", renamed("model/bias", "plateau/bias"), Err("missing tensors: bias")),
        (
            "a tensor of a part without a name",
            renamed("model/bias", "/bias"),
            Err("not a valid checkpoint file: tensor \"/bias\" belongs to none of its parts"),
        ),
        (
            "a tensor without a name",
            renamed("model/bias", "model/"),
            Err("missing tensors: bias; unexpected tensors: "),
        ),
        (
            "a tensor with two slashes",
            renamed("model/bias", "model/a/bias"),
            Err("missing tensors: bias; unexpected tensors: a/bias"),
        ),
        (
            "a tensor of another shape",
            header(|header| header["model/weight"]["shape"] = serde_json::json!([2])),
            Err("tensor \"weight\": expected shape [1, 2], found [2]"),
        ),
        (
            "a tensor of whole numbers",
            header(|header| header["model/bias"]["dtype"] = "I64".into()),
            Err("tensor \"model/bias\": expected f64, found i64"),
        ),
        // Numbers.
        (
            "a number that is not text",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":0.25"#),
            Err(
                "not a valid checkpoint file: number \"learning_rate\" of part \"optimizer\": expected a number as text, found 0.25",
            ),
        ),
        (
            "a number of no characters",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"""#),
            Err(
                "not a valid checkpoint file: number \"learning_rate\" of part \"optimizer\": expected a number as text, found \"\"",
            ),
        ),
        (
            "a number with a comma",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"0,25""#),
            Err(
                "not a valid checkpoint file: number \"learning_rate\" of part \"optimizer\": expected a number as text, found \"0,25\"",
            ),
        ),
        (
            "a number twice",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"0.25","learning_rate":"1""#),
            Err("not a valid checkpoint file: \"learning_rate\" appears more than once"),
        ),
        ("no rate", replaced(r#""learning_rate":"0.25","#, ""), Err("missing numbers: learning_rate")),
        (
            "a negative rate",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"-0.25""#),
            Err("number \"learning_rate\": expected a finite number of 0 or more, found -0.25"),
        ),
        (
            "an infinite rate",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"inf""#),
            Err("number \"learning_rate\": expected a finite number of 0 or more, found inf"),
        ),
        (
            "a rate that is NaN",
            replaced(r#""learning_rate":"0.25""#, r#""learning_rate":"NaN""#),
            Err("number \"learning_rate\": expected a finite number of 0 or more, found NaN"),
        ),
        (
            "half a step",
            replaced(r#""weight.steps":"1""#, r#""weight.steps":"0.5""#),
            Err("number \"weight.steps\": expected a whole number from 0 to 2^53, found 0.5"),
        ),
        (
            "-1 steps",
            replaced(r#""weight.steps":"1""#, r#""weight.steps":"-1""#),
            Err("number \"weight.steps\": expected a whole number from 0 to 2^53, found -1"),
        ),
        (
            "2^54 steps",
            replaced(r#""weight.steps":"1""#, r#""weight.steps":"18014398509481984""#),
            Err("number \"weight.steps\": expected a whole number from 0 to 2^53, found 18014398509481984"),
        ),
        (
            "steps of a parameter that there is not",
            replaced("weight.steps", "wait.steps"),
            Err("unexpected numbers: wait.steps, weight.product"),
        ),
        (
            "a velocity that is NaN",
            element("optimizer/weight.velocity", f64::NAN),
            Err("number \"weight.velocity\": expected finite elements, found NaN"),
        ),
        (
            "a velocity that is infinite",
            element("optimizer/bias.velocity", f64::INFINITY),
            Err("number \"bias.velocity\": expected finite elements, found inf"),
        ),
        (
            "a velocity of a parameter that there is not",
            renamed("optimizer/bias.velocity", "optimizer/x.velocity"),
            Err("missing tensors: bias.velocity; unexpected tensors: x.velocity"),
        ),
        (
            "half an update of an average",
            replaced(r#""updates":"1""#, r#""updates":"0.5""#),
            Err("number \"updates\": expected a whole number from 0 to 2^53, found 0.5"),
        ),
        (
            "an average of no updates",
            replaced(r#""updates":"1""#, r#""updates":"0""#),
            Err("unexpected tensors: bias, weight"),
        ),
        (
            "a negative rate of a schedule",
            replaced(r#""rate":"0.25""#, r#""rate":"-1""#),
            Err("number \"rate\": expected a finite number of 0 or more, found -1"),
        ),
        (
            "half a bad epoch",
            replaced(r#""bad":"0""#, r#""bad":"0.5""#),
            Err("number \"bad\": expected a whole number from 0 to 2^53, found 0.5"),
        ),
        (
            "an infinite pause",
            replaced(r#""cooling":"0""#, r#""cooling":"inf""#),
            Err("number \"cooling\": expected a whole number from 0 to 2^53, found inf"),
        ),
    ];
    rows.into_iter().chain(foreign(FOREIGN)).collect()
}

#[test]
fn checkpoints() {
    check("checkpoint", rows(), restore);
}
