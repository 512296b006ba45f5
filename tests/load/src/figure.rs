//! The results: a table for people, and JSON for programs.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

/// A row of the results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// The row that this one is held against.
    pub baseline: Option<String>,
    /// This row's value by the baseline's.
    pub ratio: Option<f64>,
}

impl Figure {
    pub fn of(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, p50_ms: None, p99_ms: None, baseline: None, ratio: None }
    }

    #[must_use]
    pub fn with_latency(self, p50_ms: f64, p99_ms: f64) -> Self {
        Self { p50_ms: Some(p50_ms), p99_ms: Some(p99_ms), ..self }
    }
}

/// Holds figures against others of the same run.
#[derive(Debug, Default)]
pub struct Results {
    figures: Vec<Figure>,
}

impl Results {
    pub fn push(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Adds a figure, held against the row `baseline` when that has been measured.
    pub fn push_against(&mut self, figure: Figure, baseline: &str) {
        let ratio = self.ratio_to(&figure, baseline);
        self.push(Figure { baseline: ratio.map(|_| baseline.to_owned()), ratio, ..figure });
    }

    /// Adds a row that says only how many times the row `baseline` a row is, when both have been measured.
    pub fn push_ratio(&mut self, name: &str, baseline: &str) {
        let Some(figure) = self.find(name) else { return };
        if let Some(ratio) = self.ratio_to(figure, baseline) {
            let comparison = Figure::of(format!("{name}_to_{baseline}"), ratio, "times");
            self.push(Figure { baseline: Some(baseline.to_owned()), ratio: Some(ratio), ..comparison });
        }
    }

    fn find(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    fn ratio_to(&self, figure: &Figure, baseline: &str) -> Option<f64> {
        let baseline = self.find(baseline).map(|baseline| baseline.value).filter(|value| *value > 0.0)?;
        Some(figure.value / baseline)
    }

    /// As a table, one row a line.
    pub fn table(&self) -> Vec<String> {
        let mut rows =
            vec![["name", "value", "unit", "p50 ms", "p99 ms", "baseline", "ratio"].map(str::to_owned)];
        rows.extend(self.figures.iter().map(cells));
        let mut widths = [0; 7];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        rows.iter().map(|row| aligned(row, &widths)).collect()
    }

    /// Writes them to a file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let draft = path.with_extension("part");
        fs::write(&draft, serde_json::to_string_pretty(&self.figures)? + "\n")
            .with_context(|| format!("write {}", draft.display()))?;
        fs::rename(&draft, path).with_context(|| format!("write {}", path.display()))
    }
}

/// Words to the left, numbers to the right.
fn aligned(row: &[String; 7], widths: &[usize; 7]) -> String {
    let cell = |(place, (text, width)): (usize, (&String, &usize))| match place {
        0 | 2 | 5 => format!("{text:<width$}"),
        _ => format!("{text:>width$}"),
    };
    let cells: Vec<String> = row.iter().zip(widths).enumerate().map(cell).collect();
    cells.join("  ").trim_end().to_owned()
}

fn cells(figure: &Figure) -> [String; 7] {
    let small = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
    [
        figure.name.clone(),
        if figure.value < 100.0 { format!("{:.2}", figure.value) } else { format!("{:.0}", figure.value) },
        figure.unit.to_owned(),
        small(figure.p50_ms),
        small(figure.p99_ms),
        figure.baseline.clone().unwrap_or_default(),
        small(figure.ratio),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        results.push(Figure::of("pgbench_tpcb", 4_000.0, "transactions/s"));
        results.push_against(
            Figure::of("single_hot", 16_000.0, "transfers/s").with_latency(9.5, 14.25),
            "bare_append",
        );
        results.push_against(Figure::of("batch100", 3_000.0, "transfers/s"), "pgbench_tpcb");
        results.push_ratio("single_hot", "pgbench_tpcb");
        results.push_ratio("single_zipf", "pgbench_tpcb");
        results
    }

    #[test]
    fn json_has_every_field_of_every_row() {
        let rows = serde_json::to_value(&results().figures).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 4, "a ratio of what was not measured is left out");
        let hot = json!({
            "name": "single_hot", "value": 16_000.0, "unit": "transfers/s", "p50_ms": 9.5, "p99_ms": 14.25,
            "baseline": null, "ratio": null,
        });
        assert_eq!(rows[1], hot, "a baseline that was not measured is left out");
        assert_eq!((&rows[2]["baseline"], &rows[2]["ratio"]), (&json!("pgbench_tpcb"), &json!(0.75)));
        assert_eq!(
            (&rows[3]["name"], &rows[3]["value"]),
            (&json!("single_hot_to_pgbench_tpcb"), &json!(4.0))
        );
    }

    #[test]
    fn the_table_is_aligned() {
        let table = results().table();
        assert_eq!(
            table[0],
            "name                        value  unit            p50 ms  p99 ms  baseline      ratio"
        );
        assert_eq!(table[2], "single_hot                  16000  transfers/s       9.50   14.25");
        assert_eq!(
            table[3],
            "batch100                     3000  transfers/s                     pgbench_tpcb   0.75"
        );
        assert_eq!(
            table[4],
            "single_hot_to_pgbench_tpcb   4.00  times                           pgbench_tpcb   4.00"
        );
    }

    #[test]
    fn a_baseline_of_nothing_gives_no_ratio() {
        let mut results = Results::default();
        results.push(Figure::of("none", 0.0, "transfers/s"));
        results.push_against(Figure::of("some", 1.0, "transfers/s"), "none");
        assert_eq!(results.figures[1].ratio, None);
    }
}
