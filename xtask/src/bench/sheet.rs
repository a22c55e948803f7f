//! The results: a table for people, an object for programs.

use std::fmt;

use anyhow::Result;
use serde_json::{Map, Value, json};

/// What is asked of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Only told.
    None,
}

impl Goal {
    const fn number(self) -> Option<f64> {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) => Some(number),
            Self::None => None,
        }
    }

    fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(number) => Some(value >= number),
            Self::AtMost(number) => Some(value <= number),
            Self::None => None,
        }
    }
}

/// The same number, measured in several rounds.
#[derive(Debug, Clone)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn ends(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        (self.0.len() > 1).then_some((*first, *last))
    }
}

#[derive(Debug)]
struct Line {
    name: String,
    values: Spread,
    goal: Goal,
    note: String,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Sheet(Vec<Line>);

impl Sheet {
    /// `name` begins with the goal's number, such as `P1 rate 256`.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        values: Spread,
        goal: Goal,
        note: impl Into<String>,
    ) {
        self.0.push(Line { name: name.into(), values, goal, note: note.into() });
    }

    /// From the goal's name to value (the median), goal and met. What has no goal is left out.
    pub(crate) fn to_json(&self) -> Result<String> {
        let mut goals = Map::new();
        for line in &self.0 {
            let value = line.values.median();
            if let (Some(goal), Some(met)) = (line.goal.number(), line.goal.is_met(value)) {
                let rounded = (value * 1_000.0).round() / 1_000.0;
                goals.insert(line.name.clone(), json!({ "value": rounded, "goal": goal, "met": met }));
            }
        }
        Ok(format!("{}\n", serde_json::to_string_pretty(&Value::Object(goals))?))
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.0.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:wide$}  {:>8}  {:>17}  {:>8}  {:6}  ", "", "median", "min … max", "goal", "")?;
        for Line { name, values, goal, note } in &self.0 {
            let value = values.median();
            let ends = values.ends().map(|(min, max)| format!("{} … {}", short(min), short(max)));
            let (bound, met) = match goal {
                Goal::AtLeast(number) => (format!("≥ {number}"), goal.is_met(value)),
                Goal::AtMost(number) => (format!("≤ {number}"), goal.is_met(value)),
                Goal::None => (String::new(), None),
            };
            let met = met.map_or("", |met| if met { "met" } else { "MISSED" });
            let (value, ends) = (short(value), ends.unwrap_or_default());
            writeln!(f, "{name:wide$}  {value:>8}  {ends:>17}  {bound:>8}  {met:6}  {note}")?;
        }
        Ok(())
    }
}

/// Three digits that matter.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A rate, for a note.
pub(crate) fn per_second(rate: f64) -> String {
    if rate >= 10_000.0 { format!("{:.1}k/s", rate / 1_000.0) } else { format!("{rate:.0}/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_has_value_goal_and_met_for_each_goal_and_nothing_else() {
        let mut sheet = Sheet::default();
        sheet.add("P1 rate 64", Spread::of([0.4, 0.6, 0.5]), Goal::AtLeast(0.45), "");
        sheet.add("P1 cpu", Spread::of([3.5]), Goal::AtMost(3.0), "");
        sheet.add("P1 told", Spread::of([1.0]), Goal::None, "");
        let read: Value = serde_json::from_str(&sheet.to_json().expect("JSON")).expect("JSON");
        assert_eq!(
            read,
            json!({
                "P1 rate 64": { "value": 0.5, "goal": 0.45, "met": true },
                "P1 cpu": { "value": 3.5, "goal": 3.0, "met": false }
            })
        );
    }
}
