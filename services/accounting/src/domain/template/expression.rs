//! Expressions of templates: arithmetic on exact decimals, comparisons, and nothing that could loop, wait or look around.
//!
//! `round(x)` rounds half up to the decimals of the line's currency; `min`, `max` and `abs` do what they say. An amount that
//! is not rounded must be exact: one with more decimals than its currency is refused when it is posted.

use std::sync::LazyLock;

use money::EXPONENT_MAX;
use rhai::{AST, Dynamic, Engine, EvalAltResult, OptimizationLevel, Scope};
use rust_decimal::{Decimal, RoundingStrategy};

/// Longest expression, in characters.
pub const EXPRESSION_CHARS_MAX: usize = 500;
/// How deep an expression may nest.
const DEPTH_MAX: usize = 32;
/// Steps that an evaluation may take: many times those of the longest expression, which cannot loop.
const OPERATIONS_MAX: u64 = 10_000;
/// Longest text in an evaluation, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

type Evaluated<T> = Result<T, Box<EvalAltResult>>;

/// An expression that can be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Expression(AST);

impl Expression {
    /// Compiles an expression that may name what is in `scope` and nothing else.
    pub fn compile(source: &str, scope: &Scope<'_>) -> Result<Self, String> {
        if source.chars().count() > EXPRESSION_CHARS_MAX {
            return Err(format!("must have at most {EXPRESSION_CHARS_MAX} characters"));
        }
        let compiled = engine(0).compile_expression_with_scope(scope, source);
        compiled.map(Self).map_err(|error| format!("is no expression: {error}"))
    }

    /// Its value as a number, rounded where it says so to `exponent` decimals.
    pub fn number(&self, scope: &Scope<'_>, exponent: u8) -> Result<Decimal, String> {
        let value = self.evaluate(scope, exponent)?;
        decimal(&value).map(|number| number.normalize()).map_err(|error| error.to_string())
    }

    /// Whether it holds.
    pub fn holds(&self, scope: &Scope<'_>, exponent: u8) -> Result<bool, String> {
        let value = self.evaluate(scope, exponent)?;
        value.as_bool().map_err(|found| format!("is {found} and neither true nor false"))
    }

    fn evaluate(&self, scope: &Scope<'_>, exponent: u8) -> Result<Dynamic, String> {
        let evaluated = engine(exponent).eval_ast_with_scope(&mut scope.clone(), &self.0);
        evaluated.map_err(|error| error.to_string())
    }
}

/// The engine that rounds to a number of decimals; made once for each number that a currency can have.
fn engine(exponent: u8) -> &'static Engine {
    static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| (0..=EXPONENT_MAX).map(new_engine).collect());
    &ENGINES[usize::from(exponent.min(EXPONENT_MAX))]
}

fn new_engine(exponent: u8) -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_optimization_level(OptimizationLevel::None)
        .set_strict_variables(true)
        .set_allow_looping(false)
        .set_allow_statement_expression(false)
        .set_max_expr_depths(DEPTH_MAX)
        .set_max_operations(OPERATIONS_MAX)
        .set_max_string_size(TEXT_BYTES_MAX)
        .disable_symbol("eval");
    engine
        .register_fn("round", move |value: Dynamic| -> Evaluated<Decimal> {
            let half_up = RoundingStrategy::MidpointAwayFromZero;
            Ok(decimal(&value)?.round_dp_with_strategy(exponent.into(), half_up))
        })
        .register_fn("abs", |value: Dynamic| -> Evaluated<Decimal> { Ok(decimal(&value)?.abs()) })
        .register_fn("-", |value: Decimal| -value)
        .register_fn("min", |one: Dynamic, other: Dynamic| -> Evaluated<Decimal> {
            Ok(decimal(&one)?.min(decimal(&other)?))
        })
        .register_fn("max", |one: Dynamic, other: Dynamic| -> Evaluated<Decimal> {
            Ok(decimal(&one)?.max(decimal(&other)?))
        });
    engine
}

fn decimal(value: &Dynamic) -> Evaluated<Decimal> {
    if let Ok(number) = value.as_decimal() {
        return Ok(number);
    }
    value.as_int().map(Decimal::from).map_err(|found| format!("is {found} and no number").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope<'static> {
        let mut scope = Scope::new();
        scope.push("fee", Decimal::new(1_005, 3)).push("count", 3_i64).push("channel", "COUNTER".to_owned());
        scope
    }

    fn number(source: &str) -> Result<String, String> {
        let value = Expression::compile(source, &scope())?.number(&scope(), 2)?;
        Ok(value.normalize().to_string())
    }

    #[test]
    fn numbers_are_exact_and_rounded_only_where_it_is_said() {
        for (source, value) in [
            ("fee", "1.005"),
            ("fee * count", "3.015"),
            ("0.1 + 0.2", "0.3"),
            ("round(fee)", "1.01"),
            ("round(-fee)", "-1.01"),
            ("round(fee * 0.006 / 3)", "0"),
            ("max(fee, 2)", "2"),
            ("min(count, 2.5)", "2.5"),
            ("abs(-fee)", "1.005"),
            ("if channel == \"COUNTER\" { fee } else { 0 }", "1.005"),
            ("-count", "-3"),
        ] {
            assert_eq!(number(source).as_deref(), Ok(value), "{source}");
        }
    }

    #[test]
    fn a_condition_is_true_or_false() {
        let holds = |source: &str| Expression::compile(source, &scope()).unwrap().holds(&scope(), 2);
        assert_eq!(holds("fee > 1 && channel != \"ATM\" || count == 0"), Ok(true));
        assert_eq!(holds("!(count >= 3)"), Ok(false));
        assert!(holds("fee").is_err());
    }

    #[test]
    fn what_is_unknown_or_more_than_an_expression_is_no_expression() {
        for source in [
            "",
            "tip",
            "fee +",
            "let x = 1; x",
            "fee = 2",
            "while true { }",
            "loop { }",
            "fn f() { 1 } f()",
            "eval(\"1\")",
            "import \"x\"",
            "[1, 2]",
            "fee; count",
            &"(".repeat(100),
            &format!("{}1{}", "(".repeat(60), ")".repeat(60)),
            &"1+".repeat(EXPRESSION_CHARS_MAX),
        ] {
            assert!(Expression::compile(source, &scope()).is_err(), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_evaluated_is_told_and_never_panics() {
        for source in [
            "fee / 0",
            "count / 0",
            "channel",
            "fee + channel",
            "nothing(fee)",
            "79228162514264337593543950335.0 * 10",
            "9223372036854775807 + 1",
            "fee > 1",
            "round(channel)",
            "timestamp()",
            "print(channel)",
        ] {
            let compiled = Expression::compile(source, &scope()).unwrap();
            assert!(compiled.number(&scope(), 2).is_err(), "{source}");
        }
    }
}
