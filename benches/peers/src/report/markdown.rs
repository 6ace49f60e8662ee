//! Tables in Markdown: what was run, on what, and what came of it.

use std::fmt::{self, Write};

use crate::comparison::{Comparison, Ratio};
use crate::engines::Engine;
use crate::figures::Unit;
use crate::goals;
use crate::machine;
use crate::measure::Measured;
use crate::peer::Memory;
use crate::results::Results;
use crate::rounds::{Plan, SCARCE_BESIDES_BYTES};
use crate::versions;
use crate::work::SCARCE_TIMES;

/// The whole report.
pub(crate) fn report(
    plan: &Plan,
    results: &Results,
    comparisons: &[Comparison],
) -> Result<String, fmt::Error> {
    let mut text = String::new();
    head(&mut text, plan, results.rounds)?;
    engines(&mut text, plan)?;
    figures(&mut text, plan, comparisons)?;
    goals(&mut text, results)?;
    let memory = |measured: &Measured| Some(measured.rss_peak);
    let title = "Peak memory of a process (RSS; mapped files count)";
    by_task(&mut text, plan, results, title, &memory)?;
    let title = "Bytes written to the disk for each committed row";
    by_task(&mut text, plan, results, title, &bytes_per_row)?;
    failures(&mut text, results)?;
    Ok(text)
}

fn head(text: &mut String, plan: &Plan, rounds: u64) -> fmt::Result {
    let commit = machine::commit().unwrap_or_else(|| "an unknown commit".to_owned());
    writeln!(text, "## Drystone beside other stores\n")?;
    writeln!(text, "- Built from {commit}, on {}", machine::describe())?;
    // The folder itself is removed by now.
    if let Some(kind) = plan.folder.parent().and_then(machine::file_system) {
        writeln!(text, "- Files on {kind}")?;
    }
    if let Some(load) = machine::load() {
        writeln!(text, "- Load averages at the end: {load}")?;
    }
    writeln!(
        text,
        "- {} rows ({} for large loads) of 24 + 150 bytes, seed {}, cache budget {}, {rounds} rounds, {} s for a measurement",
        plan.rows,
        plan.large_rows,
        plan.seed,
        Unit::Bytes.show(as_figure(plan.cache_bytes)),
        plan.time.as_secs_f64(),
    )?;
    if plan.tasks.iter().any(|task| task.memory == Memory::Scarce) {
        writeln!(text, "- {}", scarce_memory(plan))?;
    }
    writeln!(text)
}

/// What limits memory where it is scarce.
fn scarce_memory(plan: &Plan) -> String {
    let besides = Unit::Bytes.show(as_figure(SCARCE_BESIDES_BYTES));
    match plan.group {
        Some(_) => format!(
            "`get_cold_1`: data is {SCARCE_TIMES} times the budget, and a control group limits the process, its pages in the \
             OS's cache included, to the budget and {besides}"
        ),
        None => format!(
            "`get_cold_1`: data is {SCARCE_TIMES} times the budget, but nothing limits the OS's cache (no `--cgroup`), which \
             soon holds all of it. LMDB, for which it is the only cache, is bound by no budget here"
        ),
    }
}

fn engines(text: &mut String, plan: &Plan) -> fmt::Result {
    writeln!(
        text,
        "| engine | versions | settings |\n| --- | --- | --- |"
    )?;
    for (engine, about) in plan
        .engines
        .iter()
        .filter_map(|one| Some((one, one.about()?)))
    {
        let versions = [(about.library)(), versions::of(about.packages)];
        writeln!(
            text,
            "| {} | {} | {} |",
            engine.name(),
            versions.join(" ").trim(),
            about.settings
        )?;
    }
    writeln!(text)
}

fn figures(text: &mut String, plan: &Plan, comparisons: &[Comparison]) -> fmt::Result {
    writeln!(
        text,
        "Medians; ± is half the distance of the least and the most. The last column divides Drystone's value by the best \
         rival's, round by round, and gives the median.\n"
    )?;
    let names: Vec<&str> = plan.engines.iter().map(|engine| engine.name()).collect();
    writeln!(
        text,
        "| workload | {} | Drystone / best rival |",
        names.join(" | ")
    )?;
    writeln!(text, "| --- |{} --- |", " ---: |".repeat(names.len()))?;
    for comparison in comparisons {
        let unit = comparison.figure.unit;
        write!(text, "| {} ({}) ", comparison.figure.name, unit.name())?;
        for engine in &plan.engines {
            let reached = comparison.of(*engine);
            let shown = reached.map(|reached| {
                let percent = 100.0 * reached.spread;
                format!("{} ±{percent:.0} %", unit.show(reached.median))
            });
            write!(text, "| {} ", shown.unwrap_or_else(|| "-".to_owned()))?;
        }
        let ratio = comparison.ratio.map(|ratio| show_ratio(ratio, unit));
        writeln!(text, "| {} |", ratio.unwrap_or_else(|| "-".to_owned()))?;
    }
    writeln!(text)
}

fn show_ratio(ratio: Ratio, unit: Unit) -> String {
    let direction = match unit.is_higher_better() {
        true => "",
        false => ", less is better",
    };
    format!("{:.2} ({}{direction})", ratio.value, ratio.rival.name())
}

fn goals(text: &mut String, results: &Results) -> fmt::Result {
    let outcomes = goals::outcomes(results);
    if outcomes.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "What Drystone is to reach, as ratios, round by round:\n"
    )?;
    writeln!(
        text,
        "| ratio | wanted | found | |\n| --- | ---: | ---: | --- |"
    )?;
    for outcome in outcomes {
        let verdict = match outcome.is_reached {
            true => "reached",
            false => "missed",
        };
        writeln!(
            text,
            "| {} | {} | {:.2} | {verdict} |",
            outcome.what, outcome.wanted, outcome.found
        )?;
    }
    writeln!(text)
}

fn by_task(
    text: &mut String,
    plan: &Plan,
    results: &Results,
    title: &str,
    of: &dyn Fn(&Measured) -> Option<f64>,
) -> fmt::Result {
    writeln!(text, "{title}, medians:\n")?;
    let names: Vec<&str> = plan.engines.iter().map(|engine| engine.name()).collect();
    writeln!(text, "| task | {} |", names.join(" | "))?;
    writeln!(text, "| --- |{}", " ---: |".repeat(names.len()))?;
    for task in &plan.tasks {
        let value = |engine: &Engine| results.median_of_task(*engine, task.name, of);
        let values: Vec<Option<f64>> = plan.engines.iter().map(value).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        write!(text, "| {} ", task.name)?;
        for value in values {
            let shown = value.map(|bytes| Unit::Bytes.show(bytes));
            write!(text, "| {} ", shown.unwrap_or_else(|| "-".to_owned()))?;
        }
        writeln!(text, "|")?;
    }
    writeln!(text)
}

fn bytes_per_row(measured: &Measured) -> Option<f64> {
    let rows = measured.outcome.committed;
    (rows > 0).then(|| measured.bytes_written / as_figure(rows))
}

fn failures(text: &mut String, results: &Results) -> fmt::Result {
    for sample in results.failures() {
        writeln!(text, "- round {}: {sample}", sample.round + 1)?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes here stay far below 2^52"
)]
fn as_figure(number: u64) -> f64 {
    number as f64
}
