//! The state of a model: the values of all its parameters by name, to and from files.

use crate::files::{self, FileElement, FileError, FileErrorKind, State, StateError, matching};
use crate::parameters::{Parameters, Path};
use tape::Element;

/// The [latest](crate::Param::latest) values of all parameters by name, frozen ones and buffers too. They share memory with
/// the model until either is written.
///
/// ```
/// use nn::{Linear, state_dict};
/// let layer = Linear::from_values([[1.0, 2.0]], [0.5]);
/// let names: Vec<String> = state_dict(&layer).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight", "bias"]);
/// ```
pub fn state_dict<T: Element>(model: &(impl Parameters<T> + ?Sized)) -> State<T> {
    let named = model.named_parameters();
    named.into_iter().map(|(name, param)| (name, param.latest())).collect()
}

/// Assigns to every parameter of `model` the value of its name; the order of `state` does not matter.
///
/// # Errors
/// [`StateError::Names`] lists every missing and every unexpected name, [`StateError::Duplicate`] one that appears
/// more than once, [`StateError::Shape`] the first tensor of another shape. The model is then unchanged.
///
/// ```
/// use nn::{Linear, load_state_dict, state_dict};
/// let trained = Linear::from_values([[1.0, 2.0]], [0.5]);
/// let mut layer = Linear::from_values([[0.0, 0.0]], [0.0]);
/// load_state_dict(&mut layer, state_dict(&trained))?;
/// assert_eq!(layer.weight.value(), trained.weight.value());
/// let error = load_state_dict(&mut layer.without_bias(), state_dict(&trained)).unwrap_err();
/// assert_eq!(error.to_string(), "unexpected tensors: bias");
/// # Ok::<(), nn::files::StateError>(())
/// ```
pub fn load_state_dict<T: Element>(
    model: &mut (impl Parameters<T> + ?Sized),
    state: State<T>,
) -> Result<(), StateError> {
    let named = model.named_parameters();
    let wanted: Vec<(&str, &[usize])> =
        named.iter().map(|(name, param)| (name.as_str(), &param.value().shape()[..])).collect();
    let mut values = matching(state, &wanted)?.into_iter();
    model.visit_mut(&Path::root(), &mut |_, param| {
        if let Some(value) = values.next() {
            *param.value_mut() = value;
        }
    });
    Ok(())
}

/// Writes the parameters of `model` to a file, `.safetensors` or `.npz`.
///
/// # Errors
/// As [`files::save`].
pub fn save<T: FileElement>(
    path: impl AsRef<std::path::Path>,
    model: &(impl Parameters<T> + ?Sized),
) -> Result<(), FileError> {
    files::save(path, &state_dict(model))
}

/// Loads the parameters of `model` from a file, `.safetensors` or `.npz`.
///
/// # Errors
/// As [`files::load`] and [`load_state_dict`], with the file's name. The model is then unchanged.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// use nn::{Linear, Module};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let path = std::env::temp_dir().join(format!("nn-state-{}.safetensors", std::process::id()));
/// let mut rng = StdRng::seed_from_u64(0);
/// let (trained, mut other) = (Linear::<f64>::new(3, 2, &mut rng), Linear::<f64>::new(3, 2, &mut rng));
/// nn::save(&path, &trained)?;
/// nn::load(&path, &mut other)?;
/// let x = Tensor::from([[1.0, 2.0, 3.0]]);
/// assert_eq!(other.predict(&x), trained.predict(&x));
/// let error = nn::load(&path, &mut Linear::<f64>::new(4, 2, &mut rng)).unwrap_err();
/// assert!(error.to_string().ends_with("tensor \"weight\": expected shape [2, 4], found [2, 3]"));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn load<T: FileElement>(
    path: impl AsRef<std::path::Path>,
    model: &mut (impl Parameters<T> + ?Sized),
) -> Result<(), FileError> {
    let path = path.as_ref();
    load_state_dict(model, files::load(path)?).map_err(|error| FileErrorKind::from(error).of(path))
}

/// The parameters of `model` as the bytes of a `.safetensors` file, for [`load_bytes`].
///
/// # Errors
/// As [`files::safetensors::to_bytes`].
pub fn to_bytes<T: FileElement>(model: &(impl Parameters<T> + ?Sized)) -> Result<Vec<u8>, FileErrorKind> {
    files::safetensors::to_bytes(&state_dict(model))
}

/// Loads the parameters of `model` from the bytes of a file, `.safetensors` or `.npz`, such as those that another service
/// sends. The format is found by the first bytes.
///
/// # Errors
/// As [`load`]; [`FileErrorKind::NoModel`] if the bytes are those of neither format. The model is then unchanged.
///
/// ```
/// use nn::Linear;
/// let trained = Linear::from_values([[1.0, 2.0]], [0.5]);
/// let mut other = Linear::from_values([[0.0, 0.0]], [0.0]);
/// nn::load_bytes(&nn::to_bytes(&trained)?, &mut other)?;
/// assert_eq!(other.weight.value(), trained.weight.value());
/// let error = nn::load_bytes(b"<!DOCTYPE html>", &mut other).unwrap_err();
/// assert!(error.to_string().starts_with("not a model: expected the bytes of a .safetensors or .npz file, found "));
/// # Ok::<(), nn::files::FileErrorKind>(())
/// ```
pub fn load_bytes<T: FileElement>(
    bytes: &[u8],
    model: &mut (impl Parameters<T> + ?Sized),
) -> Result<(), FileErrorKind> {
    let state = match bytes {
        [b'P', b'K', ..] => files::npz::from_bytes(bytes)?,
        [_, _, _, _, _, _, _, _, b'{', ..] => files::safetensors::from_bytes(bytes)?,
        _ => {
            let found = bytes.iter().take(8).copied().collect();
            return Err(FileErrorKind::NoModel { found });
        }
    };
    Ok(load_state_dict(model, state)?)
}
