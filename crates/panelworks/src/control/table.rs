//! Rows laid out in columns for a terminal.

/// To which side a column's texts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// See the module's head.
#[derive(Debug)]
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: &[(&str, Align)]) -> Self {
        Self {
            aligns: heads.iter().map(|(_, align)| *align).collect(),
            rows: vec![heads.iter().map(|(head, _)| (*head).to_owned()).collect()],
        }
    }

    /// As many cells as there are heads. What could move the cursor is left out.
    pub fn row(&mut self, cells: Vec<String>) {
        let plain = |cell: String| cell.chars().filter(|c| !c.is_control()).collect();
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    pub fn text(&self) -> String {
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..self.aligns.len()).map(|column| width(column).unwrap_or(0)).collect();
        let lines = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths).zip(&self.aligns).map(|((cell, width), align)| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let mut table = Table::new(&[("id", Align::Right), ("name", Align::Left), ("rate", Align::Right)]);
        table.row(vec!["7".into(), "Likes\u{1b}[2J".into(), "0.90".into()]);
        table.row(vec!["123".into(), "Ü".into(), "12.00".into()]);
        assert_eq!(table.text(), " id  name       rate\n  7  Likes[2J   0.90\n123  Ü         12.00");
    }
}
