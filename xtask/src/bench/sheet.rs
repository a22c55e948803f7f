//! The results: a table for people, an object for programs.

use std::fmt::{self, Write as _};

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

/// Of a whole bar: what just meets its goal is half of one.
const BAR: usize = 30;

impl Sheet {
    /// For people to keep: a table, and a bar for each goal that is longer the better the goal is met.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = "| goal | median | min … max | asked | | |\n|---|---|---|---|---|---|\n".to_owned();
        for Line { name, values, goal, note } in &self.0 {
            let value = values.median();
            let ends = values.ends().map(|(min, max)| format!("{} … {}", short(min), short(max)));
            let (bound, met) = bound(*goal, value);
            let ends = ends.unwrap_or_default();
            // Writing to a text does not fail.
            let _ = writeln!(text, "| {name} | {} | {ends} | {bound} | {met} | {note} |", short(value));
        }
        text.push_str(
            "\nHow far each goal is met (the mark is the goal, the scale is doublings):\n\n```text\n",
        );
        let wide = self.0.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        for Line { name, values, goal, .. } in &self.0 {
            let value = values.median();
            let times = match goal {
                Goal::AtLeast(number) => value / number,
                Goal::AtMost(number) => number / value,
                Goal::None => continue,
            };
            let _ = writeln!(text, "{name:wide$}  {} {times:.2}", bar(times));
        }
        text.push_str("```\n");
        text
    }
}

/// The middle is the goal; each eighth of the bar is a doubling or a halving.
fn bar(times: f64) -> String {
    let half = BAR / 2;
    #[expect(clippy::cast_precision_loss, reason = "a bar is short")]
    let length = (half as f64 * (1.0 + times.log2() / 4.0)).clamp(1.0, BAR as f64);
    (0..BAR)
        .map(|place| {
            #[expect(clippy::cast_precision_loss, reason = "a bar is short")]
            let filled = (place as f64) < length;
            match (place == half, filled) {
                (true, _) => '|',
                (false, true) => '#',
                (false, false) => '.',
            }
        })
        .collect()
}

/// What is asked, and whether it is there, in words.
fn bound(goal: Goal, value: f64) -> (String, &'static str) {
    let asked = match goal {
        Goal::AtLeast(number) => format!("≥ {number}"),
        Goal::AtMost(number) => format!("≤ {number}"),
        Goal::None => String::new(),
    };
    (asked, goal.is_met(value).map_or("", |met| if met { "met" } else { "MISSED" }))
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.0.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:wide$}  {:>8}  {:>17}  {:>8}  {:6}  ", "", "median", "min … max", "goal", "")?;
        for Line { name, values, goal, note } in &self.0 {
            let value = values.median();
            let ends = values.ends().map(|(min, max)| format!("{} … {}", short(min), short(max)));
            let (bound, met) = bound(*goal, value);
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
    fn a_bar_ends_at_the_mark_where_the_goal_is_just_met() {
        let filled = |times: f64| bar(times).chars().filter(|one| *one == '#').count();
        assert_eq!(bar(1.0).find(['|', '.']), Some(BAR / 2));
        assert!(filled(4.0) > filled(2.0) && filled(2.0) > filled(1.0) && filled(1.0) > filled(0.5));
        assert_eq!(bar(1e9).chars().count(), bar(1e-9).chars().count());
    }

    #[test]
    fn the_report_has_a_row_for_every_line_and_a_bar_for_every_goal() {
        let mut sheet = Sheet::default();
        sheet.add("P1 cpu", Spread::of([3.5]), Goal::AtMost(3.0), "of 6 µs");
        sheet.add("P1 told", Spread::of([1.0]), Goal::None, "");
        let text = sheet.to_markdown();
        assert!(text.contains("| P1 cpu | 3.50 |  | ≤ 3 | MISSED | of 6 µs |"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| P1")).count(), 2);
        assert_eq!(text.lines().filter(|line| line.starts_with("P1")).count(), 1);
    }

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
