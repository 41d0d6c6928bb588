//! Counts and records SQL statements, and records their plans.

use std::{cell::RefCell, fmt, sync::Once};

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

thread_local! {
    static TEXTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static NOTICES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Counts the statements that sqlx logs on this thread, which is all of a `#[tokio::test]`, and stores the notices of
/// Postgres about them.
pub struct Statements;

struct Counter;

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match event.metadata().target() {
            "sqlx::query" => {
                let mut statement = Statement::default();
                event.record(&mut statement);
                if !statement.is_beside {
                    TEXTS.with_borrow_mut(|texts| texts.push(statement.text()));
                }
            }
            "sqlx::postgres::notice" => event.record(&mut Notice),
            _ => {}
        }
    }
}

/// A statement. sqlx's own statements are not counted: each connection loads our types once. Neither is the one that
/// reads the size of the database, nor the one that reads the pruned months, which run beside requests.
#[derive(Default)]
struct Statement {
    is_beside: bool,
    /// The first words.
    summary: String,
    /// The whole text, if longer.
    whole: String,
}

impl Statement {
    fn text(self) -> String {
        if self.whole.is_empty() { self.summary } else { self.whole }
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => {
                let beside =
                    ["SELECT pg_type.oid", "select relname::text, reltuples", "select month from pruned_month"];
                self.is_beside = beside.iter().any(|it| value.starts_with(it));
                value.clone_into(&mut self.summary);
            }
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

struct Notice;

impl Visit for Notice {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" && !value.contains("from pruned_month") {
            NOTICES.with_borrow_mut(|notices| notices.push(value.to_owned()));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Statements {
    pub fn watch() -> Self {
        // One subscriber for all threads: with one per thread, a callsite that another thread reached first would stay
        // disabled forever.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Counter);
            tracing::subscriber::set_global_default(subscriber).expect("no other subscriber is set");
        });
        Self
    }

    /// Number of statements while the future ran, and its output.
    pub async fn count<T>(&self, future: impl Future<Output = T>) -> (usize, T) {
        let (texts, outcome) = self.texts_of(future).await;
        (texts.len(), outcome)
    }

    /// The texts of the statements of the future, and its output.
    pub async fn texts_of<T>(&self, future: impl Future<Output = T>) -> (Vec<String>, T) {
        TEXTS.take();
        let outcome = future.await;
        (TEXTS.take(), outcome)
    }

    /// The plans of the statements of the future, on a database whose connections are [`explained`].
    pub async fn plans_of<T>(&self, future: impl Future<Output = T>) -> (Vec<Plan>, T) {
        NOTICES.take();
        let outcome = future.await;
        let plan = |notice: String| {
            let json = notice.get(notice.find('{')?..)?;
            Some(Plan(serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {notice}"))))
        };
        (NOTICES.take().into_iter().filter_map(plan).collect(), outcome)
    }
}

/// Connections that report the plan of each of their statements.
pub fn explained(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_format", "json"),
        ("client_min_messages", "log"),
    ])
}

/// The plan of a statement, from `explain (analyze, format json)`.
#[derive(Debug)]
pub struct Plan(Value);

impl Plan {
    /// The statement.
    pub fn statement(&self) -> &str {
        self.0["Query Text"].as_str().unwrap_or_default()
    }

    /// The steps that were executed.
    pub fn steps(&self) -> Vec<&Value> {
        let mut steps = vec![&self.0["Plan"]];
        let mut next = 0;
        while let Some(&step) = steps.get(next) {
            steps.extend(step["Plans"].as_array().into_iter().flatten());
            next += 1;
        }
        steps.retain(|step| number(step, "Actual Loops") > 0.0);
        steps
    }

    /// The tables that were read from end to end, except those of about a page.
    pub fn sequential_scans(&self) -> Vec<&str> {
        let steps = self.steps().into_iter();
        let whole = steps.filter(|step| step["Node Type"] == "Seq Scan" && rows_scanned(step) > 100.0);
        whole.filter_map(|step| step["Relation Name"].as_str()).collect()
    }

    /// The conditions of the steps.
    pub fn conditions(&self) -> Vec<&str> {
        let kinds = ["Index Cond", "Recheck Cond", "Filter"];
        self.steps().into_iter().flat_map(|step| kinds.iter().filter_map(|&kind| step[kind].as_str())).collect()
    }

    /// Number of rows and index entries scanned.
    pub fn rows_scanned(&self) -> f64 {
        let scans = self.steps().into_iter().filter(|step| {
            step["Node Type"].as_str().is_some_and(|kind| kind.ends_with(" Scan") && !kind.starts_with("Function"))
        });
        scans.map(rows_scanned).sum()
    }
}

/// Number of rows and index entries that a step scanned.
fn rows_scanned(step: &Value) -> f64 {
    let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"];
    rows.map(|name| number(step, name)).iter().sum::<f64>() * number(step, "Actual Loops")
}

fn number(step: &Value, name: &str) -> f64 {
    step[name].as_f64().unwrap_or_default()
}
