//! Agreement before every collective operation.
//!
//! MPI does not notice that one rank adds gradients while another one has ended: it waits. So each call begins with a few numbers
//! of every rank, from which all ranks see whether they make the same call.

/// A call that all ranks make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Broadcast,
    Backward,
    Sum,
    OnFirst,
    CheckEqual,
    Barrier,
    End,
}

impl Call {
    const ALL: [Call; 7] = [
        Call::Broadcast,
        Call::Backward,
        Call::Sum,
        Call::OnFirst,
        Call::CheckEqual,
        Call::Barrier,
        Call::End,
    ];

    pub(crate) fn code(self) -> f64 {
        self as usize as f64
    }

    /// The name of the call with this code, for messages.
    pub(crate) fn name(code: f64) -> &'static str {
        let call = Call::ALL.into_iter().find(|call| call.code() == code);
        match call {
            Some(Call::Broadcast) => "`broadcast`",
            Some(Call::Backward) => "`backward`",
            Some(Call::Sum) => "`sum`",
            Some(Call::OnFirst) => "`on_first`",
            Some(Call::CheckEqual) => "`check_equal`",
            Some(Call::Barrier) => "`barrier`",
            Some(Call::End) | None => "the end of the program",
        }
    }
}
