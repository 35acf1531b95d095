//! Which rows go, given what is similar.

/// The rule by which rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// A row goes if any row that ranks before it, and that it was compared with, is more similar than
    /// 1 − ε, whether that row stays or goes itself: the rule of the reference code (SemDeDup).
    #[default]
    AnyEarlier,
    /// A row goes if a row that stays, that ranks before it and that it was compared with, is more
    /// similar than 1 − ε. So each row that goes has one that stands for it.
    Representative,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AnyEarlier, Self::Representative];

    /// The name in options, files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnyEarlier => "any-earlier",
            Self::Representative => "representative",
        }
    }
}
