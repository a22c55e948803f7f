//! A value as it was given, by a file with its types or by a variable as text, and the ways settings read it.

use std::ops::RangeInclusive;

use toml::de::DeValue;

/// See the module's head.
#[derive(Debug)]
pub enum Given<'a> {
    /// From an environment variable: always text.
    Variable(&'a str),
    Text(&'a str),
    Whole(i64),
    Truth(bool),
    List(Vec<Given<'a>>),
    /// Something no setting takes, by its name.
    Other(&'static str),
}

/// What is wrong with a value; the setting's own words say what would be right.
pub type What = String;

impl<'a> Given<'a> {
    pub(super) fn of_toml(value: &'a DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number beyond all bounds"), Self::Whole),
            DeValue::Boolean(truth) => Self::Truth(*truth),
            DeValue::Array(items) => {
                Self::List(items.iter().map(|item| Self::of_toml(item.get_ref())).collect())
            }
            DeValue::Float(_) => Self::Other("a number with decimals"),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Variable(text) | Self::Text(text) => format!("{text:?}"),
            Self::Whole(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(name) => (*name).to_owned(),
        }
    }

    pub(super) fn is(&self) -> What {
        format!("is {}", self.shown())
    }

    pub(super) fn text(&self) -> Result<&'a str, What> {
        match self {
            Self::Variable(text) | Self::Text(text) => Ok(text),
            Self::Whole(_) | Self::Truth(_) | Self::List(_) | Self::Other(_) => Err(self.is()),
        }
    }

    /// Text that is there.
    pub(super) fn some_text(&self) -> Result<&'a str, What> {
        let text = self.text()?.trim();
        if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text) }
    }

    pub(super) fn whole<N: TryFrom<i64>>(&self, bounds: RangeInclusive<i64>) -> Result<N, What> {
        let number = match self {
            Self::Whole(number) => *number,
            Self::Variable(text) => text.trim().parse().map_err(|_| self.is())?,
            Self::Text(_) | Self::Truth(_) | Self::List(_) | Self::Other(_) => return Err(self.is()),
        };
        if !bounds.contains(&number) {
            return Err(self.is());
        }
        N::try_from(number).map_err(|_| self.is())
    }

    pub(super) fn truth(&self) -> Result<bool, What> {
        match self {
            Self::Truth(truth) => Ok(*truth),
            Self::Variable("true") => Ok(true),
            Self::Variable("false") => Ok(false),
            Self::Variable(_) | Self::Text(_) | Self::Whole(_) | Self::List(_) | Self::Other(_) => {
                Err(self.is())
            }
        }
    }

    /// A list of texts; in a variable separated by commas, an empty one is an empty list.
    pub(super) fn texts(&self) -> Result<Vec<&'a str>, What> {
        match self {
            Self::List(items) => items.iter().map(Self::some_text).collect(),
            Self::Variable(text) => {
                Ok(text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).collect())
            }
            Self::Text(_) | Self::Whole(_) | Self::Truth(_) | Self::Other(_) => Err(self.is()),
        }
    }

    /// Off (`false`), on with the usual text (`true`), or on with a text of one's own.
    pub(super) fn notice(&self, longest: usize) -> Result<Option<String>, What> {
        match self {
            Self::Truth(false) | Self::Variable("false" | "") => Ok(None),
            Self::Truth(true) | Self::Variable("true") => Ok(Some(String::new())),
            Self::Variable(text) | Self::Text(text) => {
                let text = text.trim();
                if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
                    return Err(self.is());
                }
                Ok(Some(text.to_owned()))
            }
            Self::Whole(_) | Self::List(_) | Self::Other(_) => Err(self.is()),
        }
    }
}
