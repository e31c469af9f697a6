//! The buffer that tensors share.

use crate::pool::{self, Block};
use crate::rules::algebra::Element;
use triomphe::Arc;

/// A share of a block; the last share returns the block to the thread's pool.
pub(super) struct Buffer<T: Element>(pub(super) Option<Block<T>>);

impl<T: Element> Buffer<T> {
    #[inline]
    pub(super) fn slice(&self) -> &[T] {
        match &self.0 {
            Some(block) => block,
            None => &[],
        }
    }

    /// Returns `true` if the block is not shared.
    #[inline]
    pub(super) fn is_unique(&self) -> bool {
        self.0.as_ref().is_none_or(Arc::is_unique)
    }

    /// The block for writing, if it is not shared.
    #[inline]
    pub(super) fn unique(&mut self) -> Option<&mut [T]> {
        match &mut self.0 {
            Some(block) => Arc::get_mut(block).map(Vec::as_mut_slice),
            None => Some(&mut []),
        }
    }
}

impl<T: Element> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Buffer<T> {
        Buffer(self.0.clone())
    }
}

impl<T: Element> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            pool::release(block);
        }
    }
}
