//! Positions and indices of elements.

/// Returns the index of the element at a position in row-major order.
pub(super) fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &extent) in index.iter_mut().zip(shape).rev() {
        *i = position % extent;
        position /= extent;
    }
    index
}

/// Returns the position of an index in row-major order.
pub(super) fn ravel(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |position, (&i, &extent)| position * extent + i)
}

/// Returns the position, in a smaller shape, of the element that broadcasts to `index`.
pub(super) fn source(index: &[usize], shape: &[usize]) -> usize {
    let last = &index[index.len() - shape.len()..];
    let own: Vec<usize> =
        last.iter().zip(shape).map(|(&i, &extent)| if extent == 1 { 0 } else { i }).collect();
    ravel(&own, shape)
}

/// Returns, for every element of a reduction, the positions of the elements that it reduces.
pub(super) fn group(
    shape: &[usize],
    axis: Option<usize>,
    keepdim: bool,
    result: &[usize],
) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); result.iter().product()];
    for position in 0..shape.iter().product() {
        let mut index = unravel(position, shape);
        match (axis, keepdim) {
            (Some(axis), true) => index[axis] = 0,
            (Some(axis), false) => drop(index.remove(axis)),
            (None, _) => index = vec![0; result.len()],
        }
        groups[ravel(&index, result)].push(position);
    }
    groups
}
