//! One row of a table of parameters, as actions and service types show it.

/// Whether a request must have a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// A parameter by its name on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub need: Need,
    /// The key of its description.
    pub about: &'static str,
}

impl Parameter {
    pub(super) const fn required(name: &'static str, about: &'static str) -> Self {
        Self { name, need: Need::Required, about }
    }

    pub(super) const fn optional(name: &'static str, about: &'static str) -> Self {
        Self { name, need: Need::Optional, about }
    }

    pub(super) const fn is_optional(&self) -> bool {
        matches!(self.need, Need::Optional)
    }
}
