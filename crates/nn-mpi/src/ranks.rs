//! The ranks of a program.

use crate::RankError;
use crate::call::Call;
use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence, Root};
use nn::{Parameters, Path};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use tape::Element;

/// The most elements that one call of MPI takes here: it counts them in an `i32`.
const CHUNK: usize = 1 << 28;

/// The processes that run a program together, as one of them sees them.
///
/// Every method that is a *call of all ranks* must be called by all of them, in the same order; a program that does
/// otherwise gets the error [`RankError::Calls`] or [`RankError::Lengths`] on every rank instead of waiting forever.
pub struct Ranks {
    world: SimpleCommunicator,
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranks").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

/// The numbers with which each rank begins a call.
pub(crate) struct Agreed {
    /// Those of all ranks, one after the other.
    numbers: Vec<f64>,
    width: usize,
}

impl Agreed {
    /// Those of one rank.
    pub(crate) fn of(&self, rank: usize) -> &[f64] {
        &self.numbers[rank * self.width..(rank + 1) * self.width]
    }
}

impl Ranks {
    pub(crate) fn new(world: SimpleCommunicator) -> Ranks {
        Ranks { world }
    }

    /// The number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.world.size() as usize
    }

    /// Returns `true` on rank 0, the one that prints and writes.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// The part of `n` samples that belongs to this rank, for data that are too large for one: disjoint parts in order, which
    /// cover all samples and whose sizes differ by at most 1.
    pub fn range(&self, n: usize) -> Range<usize> {
        part(n, self.size(), self.rank())
    }

    /// Gives every rank the parameters of rank 0, frozen ones and buffers too. A call of all ranks.
    ///
    /// # Errors
    /// If the models have other names or shapes. Then none is changed.
    pub fn broadcast<T: Element + Equivalence>(
        &self,
        model: &mut (impl Parameters<T> + ?Sized),
    ) -> Result<(), RankError> {
        let mut names = DefaultHasher::new();
        let mut values = Vec::new();
        model.visit(&Path::root(), &mut |path, param| {
            let latest = param.latest();
            names.write(path.to_string().as_bytes());
            latest.shape().dims().iter().for_each(|&extent| names.write_usize(extent));
            values.extend(latest.to_vec());
        });
        let agreed = self.agree(Call::Broadcast, None, Ok(&halves(names.finish())))?;
        self.expect_equal(&agreed, 0, "parameters")?;
        self.spread(0, &mut values);
        let mut rest = &values[..];
        model.visit_mut(&Path::root(), &mut |_, param| {
            let value = param.value_mut().as_mut_slice();
            let (own, others) = rest.split_at(value.len());
            value.copy_from_slice(own);
            rest = others;
        });
        Ok(())
    }

    /// Checks that the parameters of all ranks have the same bits: ranks that have gone apart train different models. A call of
    /// all ranks.
    ///
    /// # Errors
    /// [`RankError::Models`] if they have not.
    pub fn check_equal<T: Element>(&self, model: &(impl Parameters<T> + ?Sized)) -> Result<(), RankError> {
        let mut hash = DefaultHasher::new();
        model.visit(&Path::root(), &mut |_, param| {
            // An `f64` holds every value of both number types.
            param.latest().to_vec().iter().for_each(|x| hash.write_u64(x.to_f64().to_bits()));
        });
        let agreed = self.agree(Call::CheckEqual, None, Ok(&halves(hash.finish())))?;
        self.expect_equal(&agreed, 0, "values")
    }

    /// The sums over all ranks, added in the order of the ranks: losses, counts of right answers, seconds. A call of all ranks.
    ///
    /// # Errors
    /// If the ranks have a different number of values.
    pub fn sum<const N: usize>(&self, values: [f64; N]) -> Result<[f64; N], RankError> {
        let agreed = self.agree(Call::Sum, Some(N), Ok(&values))?;
        let mut sums = [0.0; N];
        for rank in 0..self.size() {
            sums.iter_mut().zip(agreed.of(rank)).for_each(|(sum, x)| *sum += x);
        }
        Ok(sums)
    }

    /// Runs `write` on rank 0 and waits for it: for files, which one rank writes. A call of all ranks.
    ///
    /// # Errors
    /// The error of `write`, on all ranks.
    pub fn on_first<E: fmt::Display>(&self, write: impl FnOnce() -> Result<(), E>) -> Result<(), RankError> {
        let result = if self.is_first() { write().map_err(|error| error.to_string()) } else { Ok(()) };
        self.agree(Call::OnFirst, None, result.map(|()| &[][..])).map(|_| ())
    }

    /// Waits for all ranks, before a time is taken. A call of all ranks.
    ///
    /// # Errors
    /// If a rank makes another call.
    pub fn barrier(&self) -> Result<(), RankError> {
        self.agree(Call::Barrier, None, Ok(&[])).map(|_| ())
    }

    /// The first part of every call: each rank learns the call, the number of elements and `numbers` of all ranks, or the error of
    /// the first one that failed. `numbers` are equally many on all ranks that make the same call with this `length`.
    pub(crate) fn agree(
        &self,
        call: Call,
        length: Option<usize>,
        numbers: Result<&[f64], String>,
    ) -> Result<Agreed, RankError> {
        let (own, reason) = match numbers {
            Ok(numbers) => (numbers, None),
            Err(reason) => (&[][..], Some(reason)),
        };
        // Code of the call, number of elements, and 1 if the rank failed.
        let head = [call.code(), length.unwrap_or_default() as f64, f64::from(u8::from(reason.is_some()))];
        let heads = self.gather(&head);
        let of = |k: usize| heads.iter().skip(k).step_by(head.len()).copied();
        if of(0).any(|code| code != call.code()) {
            return Err(RankError::Calls { found: of(0).map(|code| Call::name(code).to_owned()).collect() });
        }
        if let Some(rank) = of(2).position(|failed| failed != 0.0) {
            return Err(RankError::Failed { rank, reason: self.text(rank, reason.unwrap_or_default()) });
        }
        if of(1).any(|length| length != head[1]) {
            let found = of(1).map(|length| length as usize).collect();
            return Err(RankError::Lengths { call: Call::name(head[0]).to_owned(), found });
        }
        Ok(Agreed { numbers: self.gather(own), width: own.len() })
    }

    /// The text of one rank, on all of them.
    fn text(&self, rank: usize, text: String) -> String {
        let mut bytes = text.into_bytes();
        let mut length = bytes.len() as u64;
        self.world.process_at_rank(rank as i32).broadcast_into(&mut length);
        bytes.resize(length as usize, 0);
        self.spread(rank, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The values of all ranks, one after the other.
    fn gather(&self, own: &[f64]) -> Vec<f64> {
        if own.is_empty() {
            return Vec::new();
        }
        let mut all = vec![0.0; own.len() * self.size()];
        self.world.all_gather_into(own, &mut all[..]);
        all
    }

    /// Replaces `values` by those of one rank.
    pub(crate) fn spread<T: Equivalence>(&self, rank: usize, values: &mut [T]) {
        let root = self.world.process_at_rank(rank as i32);
        values.chunks_mut(CHUNK).for_each(|chunk| root.broadcast_into(chunk));
    }

    /// Adds the values of all ranks, in an order that MPI chooses.
    pub(crate) fn add<T: Equivalence>(&self, own: &[T], sums: &mut [T]) {
        for (own, sums) in own.chunks(CHUNK).zip(sums.chunks_mut(CHUNK)) {
            self.world.all_reduce_into(own, sums, SystemOperation::sum());
        }
    }

    /// Ends all ranks at once.
    pub(crate) fn abort(&self) -> ! {
        self.world.abort(1)
    }

    /// Checks that the numbers from position `from` on are those of rank 0 on every rank.
    pub(crate) fn expect_equal(
        &self,
        agreed: &Agreed,
        from: usize,
        of: &'static str,
    ) -> Result<(), RankError> {
        match (1..self.size()).find(|&rank| agreed.of(rank)[from..] != agreed.of(0)[from..]) {
            None => Ok(()),
            Some(rank) => Err(RankError::Models { of, rank }),
        }
    }
}

/// Part `i` of `n` things in `count` parts in order: equally many, or one more in the first parts.
pub(crate) fn part(n: usize, count: usize, i: usize) -> Range<usize> {
    let (each, more) = (n / count, n % count);
    let start = i * each + i.min(more);
    start..start + each + usize::from(i < more)
}

/// A hash as two numbers, which are exact in an `f64`.
fn halves(hash: u64) -> [f64; 2] {
    [(hash >> 32) as f64, f64::from(hash as u32)]
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_are_disjoint_in_order_and_cover_everything() {
        for (n, count) in [(0, 1), (0, 3), (1, 4), (7, 3), (1024, 5), (3, 3)] {
            let parts: Vec<_> = (0..count).map(|i| part(n, count, i)).collect();
            assert_eq!(parts.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..n).collect::<Vec<_>>());
            let sizes = parts.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1, "{n} in {count}");
        }
    }
}
