//! Tensors as data of `serde`, and as arrays of `ndarray`.

use ndarray::{Array, Array1, Array2, ShapeBuilder, arr0, arr2, s};
use tape::Tensor;

fn read(text: &str) -> Result<Tensor, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn tensors_go_through_json_bit_for_bit() {
    let x: Tensor = Tensor::from([[0.1, -0.0, f64::MIN_POSITIVE], [5e-324, f64::MAX, 1.0 / 3.0]]);
    let stretched: Tensor = Tensor::from([[1.0], [2.0]]).broadcast_to([2, 3]);
    for x in
        [x.clone(), x.transpose(), x.slice(1, 1..), stretched, Tensor::scalar(2.5), Tensor::zeros([2, 0])]
    {
        let again = read(&serde_json::to_string(&x).unwrap()).unwrap();
        assert_eq!(again.shape(), x.shape());
        let bits = |x: &Tensor| x.to_vec().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&again), bits(&x));
    }
    let single: Tensor<f32> = Tensor::from([0.1f32, f32::MIN_POSITIVE]);
    let again: Tensor<f32> = serde_json::from_str(&serde_json::to_string(&single).unwrap()).unwrap();
    assert_eq!(again, single);
}

#[test]
fn a_wrong_size_or_field_is_refused() {
    for (text, reason) in [
        (r#"{"shape": [2, 3], "data": [1, 2]}"#, "deserialize: shape [2, 3] needs 6 elements, found 2"),
        (r#"{"shape": [], "data": []}"#, "deserialize: shape [] needs 1 elements, found 0"),
        (
            r#"{"shape": [4294967296, 4294967296], "data": []}"#,
            "deserialize: shape [4294967296, 4294967296] needs",
        ),
        (r#"{"shape": [1], "data": [null]}"#, "invalid type: null, expected f64"),
        (r#"{"shape": [-1], "data": []}"#, "invalid value: integer `-1`, expected usize"),
        (r#"{"shape": [1]}"#, "missing field `data`"),
        (r#"{"shape": [1], "data": [1], "dtype": "f64"}"#, "unknown field `dtype`"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn views_share_memory_whatever_the_strides() {
    let x: Tensor = Tensor::from_fn([2, 3, 4], |i| (100 * i[0] + 10 * i[1] + i[2]) as f64);
    let first = x.as_slice().map(<[f64]>::as_ptr);
    let expected = Array::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as f64).into_dyn();
    let view = x.view_ndarray();
    assert_eq!((Some(view.as_ptr()), &view), (first, &expected.view()));

    let permuted = x.permute([2, 0, 1]);
    assert_eq!(permuted.view_ndarray(), expected.view().permuted_axes(vec![2, 0, 1]));
    assert_eq!(Some(permuted.view_ndarray().as_ptr()), first);
    let part = x.slice(1, 1..3).slice(2, 2..);
    assert_eq!(part.view_ndarray(), expected.slice(s![.., 1..3, 2..]).into_dyn());
    let stretched: Tensor = Tensor::from([[1.0], [2.0]]).broadcast_to([2, 3]);
    assert_eq!(stretched.view_ndarray(), arr2(&[[1.0; 3], [2.0; 3]]).into_dyn());
    assert_eq!(Tensor::<f64>::zeros([2, 0, 3]).view_ndarray().shape(), [2, 0, 3]);
    assert_eq!(Tensor::<f32>::scalar(2.0).view_ndarray(), arr0(2.0f32).into_dyn());
    let reversed = x.flip([0, 2]);
    assert_eq!(reversed.view_ndarray(), expected.slice(s![..;-1, .., ..;-1]).into_dyn());
    let odd = reversed.slice(2, 1..).transpose();
    assert_eq!(odd.view_ndarray(), expected.slice(s![..;-1, .., ..3;-1]).permuted_axes([0, 2, 1]).into_dyn());
    let long: Tensor = Tensor::scalar(1.0).broadcast_to([1 << 59]);
    assert_eq!(long.view_ndarray().len(), 1 << 59);
}

#[test]
fn arrays_become_tensors_and_keep_their_buffer() {
    let array = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let first = array.as_ptr();
    let mut x = Tensor::from(array);
    assert_eq!(x, Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    // It is the only owner: written in place.
    x.as_mut_slice()[0] = 9.0;
    assert_eq!(x.as_slice().map(<[f64]>::as_ptr), Some(first));

    let tail = Array1::from_vec(vec![1.0, 2.0, 3.0, 4.0]).slice_move(s![2..]);
    let first = tail.as_ptr();
    let tail = Tensor::from(tail);
    assert_eq!((tail.to_vec(), tail.as_slice().map(<[f64]>::as_ptr)), (vec![3.0, 4.0], Some(first)));

    let columns = Array2::from_shape_vec((2, 3).f(), vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
    assert_eq!(Tensor::from(columns), Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    assert_eq!(Tensor::from(Array2::<f32>::zeros((0, 3))).shape(), [0, 3]);
    assert_eq!(Tensor::from(arr0(2.5)), Tensor::scalar(2.5));
}
