//! The list of refusals holds every reason once, and refuses one that callers could not rely on.

use contracts::refusals::{Registry, page, registries};
use platform::refusal::{Kind, Reason};

static FUNDS_INSUFFICIENT: Reason = reason("FUNDS_INSUFFICIENT");
static NOT_SCREAMING: Reason = reason("FundsInsufficient");
static DOUBLE_UNDERSCORE: Reason = reason("FUNDS__INSUFFICIENT");
static WITHOUT_REMEDY: Reason = Reason { remedy: "", ..reason("FUNDS_MISLAID") };

const fn reason(name: &'static str) -> Reason {
    Reason {
        name,
        kind: Kind::FailedPrecondition,
        meaning: "the account has less than is requested | held money counts as spent",
        remedy: "post less, or wait",
    }
}

#[test]
fn the_shipped_list_names_every_reason_once() {
    let registries = registries();
    let page = page(&registries).unwrap();

    for reason in registries.iter().flat_map(|registry| &registry.reasons) {
        assert_eq!(page.matches(&format!("</a>`{}` |", reason.name)).count(), 1, "{}", reason.name);
    }
}

#[test]
fn a_reason_stands_with_its_code_and_what_to_do() {
    let page = listed(&[&FUNDS_INSUFFICIENT]).unwrap();

    let row = "| <a id=\"funds_insufficient\"></a>`FUNDS_INSUFFICIENT` | `FAILED_PRECONDITION` \
               | the account has less than is requested \\| held money counts as spent | post less, or wait |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn a_reason_that_callers_cannot_rely_on_is_refused() {
    for (reasons, complaint) in [
        (vec![&FUNDS_INSUFFICIENT, &FUNDS_INSUFFICIENT], "FUNDS_INSUFFICIENT is there twice"),
        (vec![&NOT_SCREAMING], "FundsInsufficient is not in SCREAMING_SNAKE_CASE"),
        (vec![&DOUBLE_UNDERSCORE], "FUNDS__INSUFFICIENT is not in SCREAMING_SNAKE_CASE"),
        (vec![&WITHOUT_REMEDY], "FUNDS_MISLAID does not say what to do"),
    ] {
        assert_eq!(listed(&reasons).unwrap_err().to_string(), complaint);
    }
}

fn listed(reasons: &[&'static Reason]) -> anyhow::Result<String> {
    page(&[Registry { title: "A service", reasons: reasons.to_vec() }])
}
