//! A mistake in the configuration, told so that a person can mend it at once.

use std::fmt;
use std::path::{Path, PathBuf};

use super::settings::{SETTINGS, Setting};

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, from 1.
    Line(PathBuf, usize),
    File(PathBuf),
    /// An environment variable's name.
    Variable(String),
    /// In nothing that was written: the defaults as they are together.
    Nowhere,
}

impl Place {
    /// The line of the byte `at`.
    pub(super) fn line(path: &Path, text: &str, at: usize) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        Self::Line(path.to_owned(), before.split(|byte| *byte == b'\n').count())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Nowhere => f.write_str("configuration"),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub place: Place,
    /// The setting where it is one, and what is wrong.
    pub what: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.right)
    }
}

impl Wrong {
    pub(super) fn value(place: Place, setting: &Setting, what: &str) -> Self {
        let what = match place {
            // The name of the variable stands in its place already.
            Place::Variable(_) => what.to_owned(),
            Place::Line(..) | Place::File(_) | Place::Nowhere => format!("{} {what}", setting.name),
        };
        Self { place, what, right: format!("right would be {}", setting.right) }
    }

    pub(super) fn unknown(place: Place, name: &str) -> Self {
        let known = SETTINGS.iter().map(|setting| setting.name.to_owned());
        let right = meant(name, known).unwrap_or_else(|| {
            "panelworks.example.toml lists every setting, and in which section it stands".to_owned()
        });
        Self { place, what: format!("there is no setting {name}"), right }
    }

    pub(super) fn unknown_variable(place: Place, name: &str) -> Self {
        let right = meant(name, SETTINGS.iter().map(Setting::variable))
            .unwrap_or_else(|| "panelworks.example.toml lists every setting with its variable".to_owned());
        Self { place, what: "no setting has this variable".to_owned(), right }
    }

    pub(super) fn syntax(place: Place, what: &str) -> Self {
        Self { place, what: what.trim().to_owned(), right: "right would be a line of TOML".to_owned() }
    }

    pub(super) fn together(place: Place, what: &str, right: &str) -> Self {
        Self { place, what: what.to_owned(), right: right.to_owned() }
    }
}

/// Every mistake there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongConfig(pub Vec<Wrong>);

impl fmt::Display for WrongConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, wrong) in self.0.iter().enumerate() {
            let line_end = if place == 0 { "" } else { "\n" };
            write!(f, "{line_end}{wrong}")?;
        }
        Ok(())
    }
}

impl std::error::Error for WrongConfig {}

/// The known name that was probably meant: a name in its wrong section, or one a few letters off.
fn meant(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let tail = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let nearest = known.min_by_key(|known| {
        let misplaced = known.contains('.') && tail(known) == tail(name);
        if misplaced { 0 } else { distance(name, known) }
    })?;
    let near = tail(&nearest) == tail(name) || distance(name, &nearest) <= 2 + name.len() / 6;
    near.then(|| format!("{nearest} may be meant"))
}

/// Letters to insert, drop or change from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, against) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *against);
            corner = row[place + 1];
            row[place + 1] = changed.min(corner + 1).min(row[place] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let line = |at| Place::line(Path::new("f"), "a\nbb\nc", at).to_string();
        assert_eq!([line(0), line(2), line(5), line(99)], ["f:1", "f:2", "f:3", "f:3"]);
    }
}
