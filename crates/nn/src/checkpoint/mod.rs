//! A training run in a file: the model, the state of its optimizer, and everything else needed to resume.
//!
//! A run resumed from a checkpoint takes the same steps, bit for bit, as one that was never interrupted,
//! provided that everything that changes is in the file: parameters and buffers, the optimizer, the epoch
//! number, random generators ([`put_rng`](Checkpoint::put_rng), [`put_context`](Checkpoint::put_context)). What prepares
//! the inputs belongs to a model too: [`Standard`](crate::data::Standard) and [`MinMax`](crate::data::MinMax) have `save`
//! and `restore`, and [`put_names`](Checkpoint::put_names) keeps the names of classes. Generators need not be saved if
//! each epoch has its own, seeded from a base seed and the epoch number:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use nn::checkpoint::Checkpoint;
//! use nn::data::{Batches, copy_rows};
//! use nn::optim::Adam;
//! use nn::{Context, Identity, Module, Sequential, Tanh, loss, mlp};
//! use nn::optim::Optimizer;
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::{Tape, Tensor};
//!
//! let x: Tensor = Tensor::linspace(-1.0, 1.0, 12).reshape([12, 1]);
//! let y = x.map_elements(|x| x * x);
//! let epoch = |k: u64, model: &mut Sequential, optimizer: &mut Adam| -> Result<(), tape::Error> {
//!     let (mut tape, mut rng) = (Tape::new(), StdRng::seed_from_u64(1000 + k));
//!     let (mut inputs, mut targets) = (Tensor::default(), Tensor::default());
//!     for rows in Batches::new(12, 4).shuffle(&mut rng).iter() {
//!         copy_rows(&x, rows, &mut inputs)?;
//!         copy_rows(&y, rows, &mut targets)?;
//!         let output = model.forward(tape.constant(inputs.clone()), &mut Context::eval());
//!         let grads = loss::squared_error(output, &targets).mean().backward();
//!         tape.reset();
//!         optimizer.step(model, &grads);
//!     }
//!     Ok(())
//! };
//! let mut model = mlp(&[1, 4, 1], Tanh, Identity, &mut StdRng::seed_from_u64(0));
//! let mut optimizer = Adam::new(0.01);
//! (0..3).try_for_each(|k| epoch(k, &mut model, &mut optimizer))?;
//! let path = std::env::temp_dir().join(format!("nn-checkpoint-{}.safetensors", std::process::id()));
//! let mut checkpoint = Checkpoint::new();
//! checkpoint.put_model("model", &model);
//! checkpoint.put("optimizer", optimizer.save(&model));
//! checkpoint.set_meta("epoch", 3);
//! checkpoint.save(&path)?;
//!
//! let mut again = mlp(&[1, 4, 1], Tanh, Identity, &mut StdRng::seed_from_u64(9));
//! let mut its_optimizer = Adam::new(0.5);
//! let mut checkpoint = Checkpoint::load(&path)?;
//! checkpoint.take_model("model", &mut again)?;
//! its_optimizer.restore(&again, checkpoint.take("optimizer")?)?;
//! let next: u64 = checkpoint.meta("epoch")?;
//! (next..5).try_for_each(|k| epoch(k, &mut again, &mut its_optimizer))?;
//! (3..5).try_for_each(|k| epoch(k, &mut model, &mut optimizer))?;
//! assert_eq!(nn::state_dict(&again), nn::state_dict(&model));
//! # std::fs::remove_file(&path)?;
//! # Ok(())
//! # }
//! ```
//!
//! The file is a `.safetensors` file, which every reader of that format opens: tensors are named `part/name`;
//! numbers and notes are stored as text in its metadata, under `nn.checkpoint`, with the version of this
//! layout.

mod saved;

pub use saved::SavedState;
pub(crate) use saved::{count_of, finite_of, rate_of, tensor_of};

use crate::Parameters;
use crate::files::{
    self, FileElement, FileError, FileErrorKind, Options, State, StateError, repeated_key, safetensors,
};
use crate::module::Context;
use crate::state::{load_state_dict, state_dict};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use tape::Element;

/// The version of the layout that is written, and the only one accepted.
pub const VERSION: u64 = 1;

/// The metadata key of checkpoints.
const KEY: &str = "nn.checkpoint";

/// Named parts, each with tensors and numbers, and notes. See the [module](self).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint<T: Element = f64> {
    parts: BTreeMap<String, SavedState<T>>,
    notes: BTreeMap<String, String>,
}

impl<T: Element> Checkpoint<T> {
    /// An empty checkpoint.
    pub fn new() -> Checkpoint<T> {
        Checkpoint { parts: BTreeMap::new(), notes: BTreeMap::new() }
    }

    /// Adds a part, replacing any of that name.
    ///
    /// # Panics
    /// If its name contains a slash.
    #[track_caller]
    pub fn put(&mut self, part: &str, state: SavedState<T>) {
        assert!(!part.contains('/'), "checkpoint: expected a part name without a slash, found {part:?}");
        self.parts.insert(part.to_owned(), state);
    }

    /// Adds the parameters and buffers of a model as a part.
    ///
    /// # Panics
    /// If its name contains a slash.
    #[track_caller]
    pub fn put_model(&mut self, part: &str, model: &(impl Parameters<T> + ?Sized)) {
        self.put(part, SavedState { tensors: state_dict(model), numbers: Vec::new() });
    }

    /// Sets a note: text, or any value that can be written as text, such as the epoch, a seed or the name of
    /// a data set.
    pub fn set_meta(&mut self, name: &str, text: impl Display) {
        self.notes.insert(name.to_owned(), text.to_string());
    }

    /// Saves a random generator, as a note: one value is drawn from it, from which it is seeded anew. A run that goes on
    /// and one that is resumed ([`take_rng`](Checkpoint::take_rng)) then draw the same values. No generator has to give
    /// away its state for this.
    ///
    /// ```
    /// use nn::checkpoint::Checkpoint;
    /// use rand::{Rng, SeedableRng, rngs::StdRng};
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let mut checkpoint = Checkpoint::<f64>::new();
    /// checkpoint.put_rng("shuffle", &mut rng);
    /// let mut resumed: StdRng = checkpoint.take_rng("shuffle")?;
    /// assert_eq!(resumed.next_u64(), rng.next_u64());
    /// # Ok::<(), nn::files::StateError>(())
    /// ```
    pub fn put_rng(&mut self, name: &str, rng: &mut (impl Rng + SeedableRng)) {
        let seed = rng.next_u64();
        *rng = SeedableRng::seed_from_u64(seed);
        self.set_meta(name, seed);
    }

    /// The generator that [`put_rng`](Checkpoint::put_rng) saved.
    ///
    /// # Errors
    /// As [`meta`](Checkpoint::meta).
    pub fn take_rng<R: SeedableRng>(&mut self, name: &str) -> Result<R, StateError> {
        let seed = self.meta(name)?;
        self.notes.remove(name);
        Ok(R::seed_from_u64(seed))
    }

    /// As [`put_rng`](Checkpoint::put_rng), for the generator of a training context, which becomes a
    /// [`StdRng`]. Nothing is saved for an evaluation context.
    ///
    /// ```
    /// use nn::Context;
    /// use nn::checkpoint::Checkpoint;
    /// use rand::{Rng, SeedableRng, rngs::StdRng};
    /// let mut cx = Context::<f64>::train(StdRng::seed_from_u64(0));
    /// let mut checkpoint = Checkpoint::new();
    /// checkpoint.put_context("dropout", &mut cx);
    /// let mut resumed: Context = checkpoint.take_context("dropout")?;
    /// assert_eq!(resumed.rng().unwrap().next_u64(), cx.rng().unwrap().next_u64());
    /// # Ok::<(), nn::files::StateError>(())
    /// ```
    pub fn put_context(&mut self, name: &str, cx: &mut Context<T>) {
        if let Some(seed) = cx.rng().map(Rng::next_u64) {
            cx.reseed(StdRng::seed_from_u64(seed));
            self.set_meta(name, seed);
        }
    }

    /// A training context with the generator that [`put_context`](Checkpoint::put_context) saved.
    ///
    /// # Errors
    /// As [`meta`](Checkpoint::meta).
    pub fn take_context(&mut self, name: &str) -> Result<Context<T>, StateError> {
        Ok(Context::train(self.take_rng::<StdRng>(name)?))
    }

    /// Saves a list of names, as a note: the classes of a column of labels, the columns of the inputs.
    ///
    /// ```
    /// use nn::checkpoint::Checkpoint;
    /// use nn::data::Table;
    /// let kinds = Table::parse("plants.csv", "kind\noak\nelm\n")?.classes("kind")?;
    /// let mut checkpoint = Checkpoint::<f64>::new();
    /// checkpoint.put_names("kinds", &kinds.names);
    /// let names = checkpoint.take_names("kinds")?;
    /// assert_eq!(Table::parse("new.csv", "kind\noak\n")?.labels("kind", &names)?, [1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_names(&mut self, name: &str, names: &[impl AsRef<str>]) {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        self.set_meta(name, json!(names));
    }

    /// The names that [`put_names`](Checkpoint::put_names) saved.
    ///
    /// # Errors
    /// [`StateError::Part`] if there is no note of that name, [`StateError::Note`] if it is not a list of names.
    pub fn take_names(&mut self, name: &str) -> Result<Vec<String>, StateError> {
        let text: String = self.meta(name)?;
        let names = serde_json::from_str(&text);
        let names = names.map_err(|_| StateError::Note { name: name.to_owned(), text: text.clone() })?;
        self.notes.remove(name);
        Ok(names)
    }

    /// Removes a part and returns it.
    ///
    /// # Errors
    /// [`StateError::Part`] if there is no part of that name.
    pub fn take(&mut self, part: &str) -> Result<SavedState<T>, StateError> {
        self.parts.remove(part).ok_or_else(|| StateError::Part { missing: part.to_owned() })
    }

    /// Removes a part and loads its values into a model.
    ///
    /// # Errors
    /// As [`take`](Checkpoint::take) and [`load_state_dict`]; the model is then unchanged.
    pub fn take_model(
        &mut self,
        part: &str,
        model: &mut (impl Parameters<T> + ?Sized),
    ) -> Result<(), StateError> {
        load_state_dict(model, self.take(part)?.tensors)
    }

    /// Parses the text of a note.
    ///
    /// # Errors
    /// [`StateError::Part`] if there is no note of that name, [`StateError::Note`] if its text does not parse as
    /// `V`.
    pub fn meta<V: FromStr>(&self, name: &str) -> Result<V, StateError> {
        let text = self.notes.get(name).ok_or_else(|| StateError::Part { missing: name.to_owned() })?;
        text.parse().map_err(|_| StateError::Note { name: name.to_owned(), text: text.clone() })
    }
}

impl<T: FileElement> Checkpoint<T> {
    /// Writes the checkpoint to a file, atomically.
    ///
    /// # Errors
    /// Any error of the operating system; a tensor or number whose name appears more than once in a part, or
    /// that could not be loaded again.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(|kind| kind.of(path))?;
        files::write(path, &bytes)
    }

    /// The checkpoint as the bytes of the file that [`save`](Checkpoint::save) writes.
    ///
    /// # Errors
    /// As `save`, but for those of the operating system.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FileErrorKind> {
        for (part, state) in &self.parts {
            let mut seen = HashSet::new();
            if let Some((name, _)) = state.numbers.iter().find(|(name, _)| !seen.insert(name)) {
                let reason = format!("number {name:?} of part {part:?} appears more than once");
                return Err(corrupt(reason));
            }
        }
        let mut tensors = Vec::new();
        for (part, state) in &self.parts {
            let named = state.tensors.iter();
            tensors.extend(named.map(|(name, tensor)| (format!("{part}/{name}"), tensor.clone())));
        }
        safetensors::to_bytes_with(&tensors, Some((KEY, self.metadata().to_string())))
    }

    /// Reads the bytes of a file written by [`save`](Checkpoint::save), such as those that another service sends.
    ///
    /// ```
    /// use nn::checkpoint::{Checkpoint, SavedState};
    /// let mut checkpoint: Checkpoint = Checkpoint::new();
    /// checkpoint.put("schedule", SavedState::of_numbers([("step", 3.0)]));
    /// let mut read: Checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes()?)?;
    /// assert_eq!(read.take("schedule")?.number("step"), Some(3.0));
    /// let error = Checkpoint::<f64>::from_bytes(b"").unwrap_err();
    /// assert_eq!(error.to_string(), "truncated: expected 8 bytes, found 0");
    /// # Ok::<(), nn::files::FileErrorKind>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load), but for those of the operating system.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint<T>, FileErrorKind> {
        let (tensors, metadata) = safetensors::from_bytes_same(bytes, KEY, &Options::new())?;
        Checkpoint::of_parts(tensors, metadata)
    }

    /// Reads a file written by [`save`](Checkpoint::save).
    ///
    /// # Errors
    /// As [`safetensors::load`], and tensors of any element type but `T`, whatever their values: a run
    /// resumes in the type it was started in. [`FileErrorKind::Corrupt`] if the file is not a checkpoint,
    /// [`FileErrorKind::Version`] if it has another layout.
    pub fn load(path: impl AsRef<Path>) -> Result<Checkpoint<T>, FileError> {
        Checkpoint::load_with(path, &Options::new())
    }

    /// As [`load`](Checkpoint::load), with other limits. Nothing is converted, whatever the options say.
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load).
    pub fn load_with(path: impl AsRef<Path>, options: &Options) -> Result<Checkpoint<T>, FileError> {
        let path = path.as_ref();
        let (tensors, metadata) = safetensors::load_same(path, KEY, options)?;
        Checkpoint::of_parts(tensors, metadata).map_err(|kind| kind.of(path))
    }

    /// The checkpoint whose file has these tensors and this metadata.
    fn of_parts(tensors: State<T>, metadata: Option<String>) -> Result<Checkpoint<T>, FileErrorKind> {
        let mut checkpoint = Checkpoint::of_metadata(metadata.as_deref())?;
        for (full, tensor) in tensors {
            let (part, name) = full.split_once('/').unwrap_or(("", &full));
            let state = checkpoint.parts.get_mut(part).filter(|_| full.contains('/'));
            let state =
                state.ok_or_else(|| corrupt(format!("tensor {full:?} belongs to none of its parts")))?;
            state.tensors.push((name.to_owned(), tensor));
        }
        Ok(checkpoint)
    }

    /// Everything but the tensors, as JSON. Numbers are written as text, in the shortest form that parses
    /// back to the same value: JSON has no infinity.
    fn metadata(&self) -> Value {
        let numbers = |state: &SavedState<T>| -> Map<String, Value> {
            state.numbers.iter().map(|(name, number)| (name.clone(), json!(number.to_string()))).collect()
        };
        let parts: Map<String, Value> =
            self.parts.iter().map(|(part, state)| (part.clone(), numbers(state).into())).collect();
        json!({ "version": VERSION, "parts": parts, "notes": self.notes })
    }

    fn of_metadata(text: Option<&str>) -> Result<Checkpoint<T>, FileErrorKind> {
        let text = text.ok_or_else(|| corrupt("it is not marked as one"))?;
        let invalid = |error: serde_json::Error| corrupt(error.to_string());
        if let Some(name) = repeated_key(text.as_bytes()).map_err(invalid)? {
            return Err(corrupt(format!("{name:?} appears more than once")));
        }
        let all: Value = serde_json::from_str(text).map_err(invalid)?;
        let expected = |what: &str, expected: &str, found: &Value| {
            let found = if found.is_null() { "none".to_owned() } else { found.to_string() };
            corrupt(format!("{what}: expected {expected}, found {found}"))
        };
        let object = |what: &str, value: &Value| {
            value.as_object().cloned().ok_or_else(|| expected(what, "an object", value))
        };
        let version = &all["version"];
        let found = version.as_u64().ok_or_else(|| expected("version", "a whole number", version))?;
        if found != VERSION {
            return Err(FileErrorKind::Version { expected: VERSION, found });
        }
        let mut checkpoint = Checkpoint::new();
        for (name, note) in object("notes", &all["notes"])? {
            let text = note.as_str().ok_or_else(|| expected(&format!("note {name:?}"), "text", &note))?;
            checkpoint.notes.insert(name, text.to_owned());
        }
        for (part, numbers) in object("parts", &all["parts"])? {
            let mut state = SavedState::new();
            for (name, number) in object(&format!("part {part:?}"), &numbers)? {
                let refused =
                    || expected(&format!("number {name:?} of part {part:?}"), "a number as text", &number);
                let parsed = number.as_str().and_then(|text| text.parse().ok()).ok_or_else(refused)?;
                state.numbers.push((name, parsed));
            }
            checkpoint.parts.insert(part, state);
        }
        Ok(checkpoint)
    }
}

fn corrupt(reason: impl Into<String>) -> FileErrorKind {
    FileErrorKind::Corrupt { format: "checkpoint", reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;

    #[test]
    fn other_files_and_other_versions_are_refused() {
        let read = |text| Checkpoint::<f64>::of_metadata(text).map_err(|kind| kind.to_string());
        let refused = [
            (None, "not a valid checkpoint file: it is not marked as one"),
            (Some("{}"), "not a valid checkpoint file: version: expected a whole number, found none"),
            (
                Some(r#"{"version": "1"}"#),
                "not a valid checkpoint file: version: expected a whole number, found \"1\"",
            ),
            (Some(r#"{"version": 2}"#), "checkpoint layout: expected version 1, found 2"),
            (
                Some(r#"{"version": 1, "notes": {}}"#),
                "not a valid checkpoint file: parts: expected an object, found none",
            ),
            (
                Some(r#"{"version": 1, "notes": {"a": "1", "a": "2"}, "parts": {}}"#),
                "not a valid checkpoint file: \"a\" appears more than once",
            ),
            (
                Some(r#"{"version": 1, "notes": {}, "parts": {"a": {"b": "c"}}}"#),
                "not a valid checkpoint file: number \"b\" of part \"a\": expected a number as text, found \"c\"",
            ),
        ];
        for (text, expected) in refused {
            assert_eq!(read(text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn numbers_and_notes_come_back() {
        let mut checkpoint = Checkpoint::<f64>::new();
        let numbers = [("tenth", 0.1), ("none", f64::NEG_INFINITY), ("least", 5e-324)];
        checkpoint.put("part", SavedState::of_numbers(numbers));
        checkpoint.set_meta("seed", u64::MAX);
        let text = checkpoint.metadata().to_string();
        let mut read = Checkpoint::<f64>::of_metadata(Some(&text)).expect("it was just written");
        assert_eq!(read.meta("seed"), Ok(u64::MAX));
        assert_eq!(
            read.meta::<u8>("seed").unwrap_err().to_string(),
            format!("note \"seed\": expected text that parses as the requested type, found \"{}\"", u64::MAX)
        );
        let part = read.take("part").expect("it was put there");
        assert!(numbers.iter().all(|&(name, number)| part.number(name) == Some(number)));
        assert_eq!(read.take("part").unwrap_err().to_string(), "there is no \"part\" in this checkpoint");
        assert!(read.take_model("part", &mut Param::new([1.0])).is_err());
    }
}
