//! Maker and checker: who may agree to what, and what becomes of the request, whatever happens meanwhile.

use std::time::Duration;

use platform::approval;
use proto_common::approval::v1::{
    Approval, ApprovalState, ApproveRequestRequest, ApproveRequestResponse, GetApprovalRequest,
    RejectRequestRequest,
};
use tonic::{Code, Status};

use crate::support::{
    notes::{CHARS_MAX, EXTEND, FORBIDDEN, NoteRequest, REPLACE},
    server::{House, fields, metadata, note, reason},
};

const MAKER: (&str, &str) = ("T1", "maker");
const CHECKER: (&str, &str) = ("S1", "checker");

/// Longer than what a maker may write alone.
fn long(name: &str) -> NoteRequest {
    note(name, &"a long story ".repeat(CHARS_MAX))
}

/// A maker asks; gives the name of the approval.
async fn ask(house: &House, path: &str, request: &NoteRequest) -> String {
    let refused = house.call(path, &house.token(MAKER.0, MAKER.1), request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "APPROVAL_REQUIRED".to_owned())
    );
    let name = metadata(&refused, "approval");
    assert!(name.starts_with("approvals/"), "{name}");
    name
}

async fn repeat(house: &House, path: &str, request: &NoteRequest) -> Result<String, Status> {
    let answer = house.call(path, &house.token(MAKER.0, MAKER.1), request).await?;
    Ok(format!("{} -> {} by {} and {}", answer.before, answer.after, answer.writer, answer.approver))
}

async fn approve(house: &House, who: (&str, &str), name: &str) -> Result<ApproveRequestResponse, Status> {
    let request = ApproveRequestRequest { name: name.to_owned() };
    house.approvals(who.0, who.1).approve_request(request).await.map(tonic::Response::into_inner)
}

async fn reject(house: &House, who: (&str, &str), name: &str, why: &str) -> Result<Approval, Status> {
    let request = RejectRequestRequest { name: name.to_owned(), reason: why.to_owned() };
    let answer = house.approvals(who.0, who.1).reject_request(request).await?;
    Ok(answer.into_inner().approval.expect("an approval"))
}

async fn get(house: &House, name: &str) -> Approval {
    let request = GetApprovalRequest { name: name.to_owned() };
    let answer = house.approvals(CHECKER.0, CHECKER.1).get_approval(request).await.unwrap();
    answer.into_inner().approval.expect("an approval")
}

/// What was written about approvals, oldest first: who, which rpc, how it ended.
async fn audited(house: &House) -> Vec<(String, String, String)> {
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT actor, method, reason FROM platform.audit_record WHERE resource LIKE 'approvals/%' ORDER BY position",
    )
    .fetch_all(house.pool())
    .await
    .unwrap();
    let last = |method: String| method.rsplit('/').next().unwrap_or_default().to_owned();
    rows.into_iter()
        .map(|(actor, method, reason)| (actor, last(method), reason.unwrap_or_else(|| "done".to_owned())))
        .collect()
}

fn entry(actor: &str, method: &str, outcome: &str) -> (String, String, String) {
    (actor.to_owned(), method.to_owned(), outcome.to_owned())
}

#[tokio::test]
async fn a_request_waits_is_agreed_to_runs_once_and_its_maker_reads_the_answer() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let name = ask(&house, REPLACE, &request).await;
    assert_eq!(ask(&house, REPLACE, &request).await, name, "a repeat names the same approval");
    assert_eq!(house.notes.written(), 0);

    let answer = approve(&house, CHECKER, &name).await.unwrap();
    assert_eq!(house.notes.written(), 1);
    let shown: serde_json::Value = serde_json::from_str(&answer.response_json).unwrap();
    assert_eq!(shown, serde_json::json!({"after": "3.10", "writer": "T1", "approver": "S1"}));
    let approval = answer.approval.unwrap();
    assert_eq!((approval.state(), approval.checker.as_str()), (ApprovalState::Executed, "S1"));
    assert!(approval.decide_time.is_some());

    assert_eq!(repeat(&house, REPLACE, &request).await.unwrap(), " -> 3.10 by T1 and S1");
    assert_eq!(approve(&house, CHECKER, &name).await.unwrap().response_json, answer.response_json);
    let other = approve(&house, ("S2", "checker"), &name).await.unwrap_err();
    assert_eq!(reason(&other), "APPROVAL_DECIDED");
    assert_eq!(reason(&reject(&house, CHECKER, &name, "too late").await.unwrap_err()), "APPROVAL_DECIDED");
    assert_eq!(house.notes.written(), 1);
    assert_eq!(
        audited(&house).await,
        [
            entry("T1", "ReplaceNote", "APPROVAL_REQUIRED"),
            entry("S1", "ApproveRequest", "done"),
            entry("S2", "ApproveRequest", "APPROVAL_DECIDED"),
            entry("S1", "RejectRequest", "APPROVAL_DECIDED"),
        ]
    );
}

#[tokio::test]
async fn the_maker_cannot_decide_nor_who_lacks_the_permission_or_the_scope() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let master = house.token("M1", "master");
    let refused = house.call(REPLACE, &master, &request).await.unwrap_err();
    let name = metadata(&refused, "approval");

    for who in [("M1", "master"), ("M1", "checker")] {
        assert_eq!(reason(&approve(&house, who, &name).await.unwrap_err()), "SELF_APPROVAL");
        assert_eq!(reason(&reject(&house, who, &name, "no").await.unwrap_err()), "SELF_APPROVAL");
    }
    let denied = approve(&house, ("D1", "decider"), &name).await.unwrap_err();
    assert_eq!(
        (reason(&denied), metadata(&denied, "permission")),
        ("PERMISSION_DENIED".to_owned(), "test.notes.check".to_owned())
    );
    assert_eq!(
        reason(&reject(&house, ("D1", "decider"), &name, "no").await.unwrap_err()),
        "PERMISSION_DENIED"
    );
    assert_eq!(reason(&approve(&house, ("T2", "maker"), &name).await.unwrap_err()), "PERMISSION_DENIED");

    let claims = testkit::keys::Claims::of("S9", &["checker"]).within(&["310101"]);
    let elsewhere = crate::support::server::Bearer(house.issuer.sign(&claims));
    let mut elsewhere =
        proto_common::approval::v1::approval_service_client::ApprovalServiceClient::with_interceptor(
            house.channel.clone(),
            elsewhere,
        );
    let denied = elsewhere.approve_request(ApproveRequestRequest { name: name.clone() }).await.unwrap_err();
    assert_eq!(
        (reason(&denied), metadata(&denied, "scope")),
        ("SCOPE_DENIED".to_owned(), "110101".to_owned())
    );
    let denied = elsewhere.get_approval(GetApprovalRequest { name: name.clone() }).await.unwrap_err();
    assert_eq!(reason(&denied), "SCOPE_DENIED");

    assert_eq!(house.notes.written(), 0);
    assert_eq!(get(&house, &name).await.state(), ApprovalState::Pending);
    let refused: Vec<_> =
        audited(&house).await.into_iter().map(|(actor, _, reason)| (actor, reason)).collect();
    for (actor, reason) in [("M1", "SELF_APPROVAL"), ("D1", "PERMISSION_DENIED"), ("S9", "SCOPE_DENIED")] {
        assert!(refused.contains(&(actor.to_owned(), reason.to_owned())), "{actor} {reason}: {refused:?}");
    }
    approve(&house, CHECKER, &name).await.unwrap();
}

#[tokio::test]
async fn the_request_cannot_change_while_it_waits_nor_after() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let name = ask(&house, REPLACE, &request).await;
    let tampered = NoteRequest { text: "31.0".to_owned(), ..request.clone() };
    let refused = repeat(&house, REPLACE, &tampered).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    approve(&house, CHECKER, &name).await.unwrap();
    assert_eq!(reason(&repeat(&house, REPLACE, &tampered).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(repeat(&house, REPLACE, &request).await.unwrap(), " -> 3.10 by T1 and S1");

    for change in ["request = ''", "maker = 'S1'", "digest = digest", "scope = ''", "expires_at = now()"] {
        let changed = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE platform.approval SET {change}")))
            .execute(house.pool())
            .await;
        assert!(changed.is_err(), "the service may change {change}");
    }
    assert!(sqlx::query("DELETE FROM platform.approval").execute(house.pool()).await.is_err());
}

#[tokio::test]
async fn a_preview_shows_before_and_after_and_changes_nothing() {
    let house = House::open().await;
    let first = ask(&house, REPLACE, &note("rate", "3.10")).await;
    approve(&house, CHECKER, &first).await.unwrap();
    let name = ask(&house, REPLACE, &note("rate", "3.45")).await;
    let approval = get(&house, &name).await;
    let preview: serde_json::Value = serde_json::from_str(&approval.preview_json).unwrap();
    assert_eq!((&preview["before"], &preview["after"]), (&"3.10".into(), &"3.45".into()));
    let request: serde_json::Value = serde_json::from_str(&approval.request_json).unwrap();
    assert_eq!((&request["text"], request.get("validateOnly")), (&"3.45".into(), None));
    assert_eq!(
        (approval.maker.as_str(), approval.scope.as_str(), approval.method.as_str()),
        ("T1", "110101", REPLACE)
    );
    assert_eq!(house.notes.written(), 1);
    approve(&house, CHECKER, &name).await.unwrap();
    assert_eq!(get(&house, &name).await.preview_json, "", "what has run has no preview");
}

#[tokio::test]
async fn what_would_be_refused_waits_for_nobody() {
    let house = House::open().await;
    let refused = repeat(&house, REPLACE, &note("rate", FORBIDDEN)).await.unwrap_err();
    assert_eq!((reason(&refused), fields(&refused)), ("FIELD_INVALID".to_owned(), vec!["text".to_owned()]));
    for id in ["", "seven", "00000000-0000-0000-0000-000000000000"] {
        let request = NoteRequest { request_id: id.to_owned(), ..note("rate", "3.10") };
        let refused = repeat(&house, REPLACE, &request).await.unwrap_err();
        assert_eq!(
            (reason(&refused), fields(&refused)),
            ("REQUEST_ID_MISSING".to_owned(), vec!["request_id".to_owned()])
        );
    }
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM platform.approval").fetch_one(house.pool()).await.unwrap();
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn a_maker_may_see_what_a_request_would_do_without_asking() {
    let house = House::open().await;
    for path in [REPLACE, EXTEND] {
        let request = NoteRequest { validate_only: true, ..note("rate", "3.10") };
        assert_eq!(repeat(&house, path, &request).await.unwrap(), " -> 3.10 by T1 and ");
    }
    let request = NoteRequest { validate_only: true, ..long("rate") };
    let status = repeat(&house, EXTEND, &request).await.unwrap_err();
    let info = tonic_types::StatusExt::get_details_error_info(&status).unwrap();
    assert_eq!((info.reason.as_str(), info.metadata.get("approval")), ("APPROVAL_REQUIRED", None));
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM platform.approval").fetch_one(house.pool()).await.unwrap();
    assert_eq!((stored, house.notes.written()), (0, 0));
}

#[tokio::test]
async fn a_rejected_request_never_runs_and_its_maker_reads_why() {
    let house = House::open().await;
    for (path, request) in [(REPLACE, note("rate", "3.10")), (EXTEND, long("story"))] {
        let name = ask(&house, path, &request).await;
        let nothing = reject(&house, CHECKER, &name, " ").await.unwrap_err();
        assert_eq!(
            (reason(&nothing), fields(&nothing)),
            ("FIELD_INVALID".to_owned(), vec!["reason".to_owned()])
        );
        let too_much = reject(&house, CHECKER, &name, &"x".repeat(501)).await.unwrap_err();
        assert_eq!(fields(&too_much), ["reason"]);
        let rejected = reject(&house, CHECKER, &name, "利率有误").await.unwrap();
        assert_eq!((rejected.state(), rejected.reason.as_str()), (ApprovalState::Rejected, "利率有误"));
        assert_eq!(
            reject(&house, CHECKER, &name, "利率有误").await.unwrap(),
            rejected,
            "a repeat is answered"
        );

        let refused = repeat(&house, path, &request).await.unwrap_err();
        assert_eq!(
            (reason(&refused), metadata(&refused, "reason")),
            ("APPROVAL_REJECTED".to_owned(), "利率有误".to_owned())
        );
        assert_eq!(metadata(&refused, "approval"), name);
        assert_eq!(reason(&approve(&house, CHECKER, &name).await.unwrap_err()), "APPROVAL_DECIDED");
    }
    assert_eq!(house.notes.written(), 0);
}

#[tokio::test]
async fn a_request_that_nobody_decides_on_lapses() {
    let house = House::open().await;
    for (path, request) in [(REPLACE, note("rate", "3.10")), (EXTEND, long("story"))] {
        let name = ask(&house, path, &request).await;
        house.clock.advance(Duration::from_hours(2));
        assert_eq!(reason(&repeat(&house, path, &request).await.unwrap_err()), "APPROVAL_EXPIRED");
        assert_eq!(reason(&approve(&house, CHECKER, &name).await.unwrap_err()), "APPROVAL_EXPIRED");
        assert_eq!(reason(&reject(&house, CHECKER, &name, "no").await.unwrap_err()), "APPROVAL_EXPIRED");
        let approval = get(&house, &name).await;
        assert_eq!((approval.state(), approval.preview_json.as_str()), (ApprovalState::Expired, ""));
    }
    assert_eq!(house.notes.written(), 0);
}

#[tokio::test]
async fn two_checkers_at_once_run_it_once() {
    let house = House::open().await;
    for round in 0..5 {
        let name = ask(&house, REPLACE, &note("rate", &round.to_string())).await;
        let (one, other) = tokio::join!(
            approve(&house, ("S1", "checker"), &name),
            approve(&house, ("S2", "checker"), &name)
        );
        let reasons: Vec<String> =
            [&one, &other].into_iter().filter_map(|ended| ended.as_ref().err()).map(reason).collect();
        assert_eq!(reasons, ["APPROVAL_DECIDED"]);
        assert_eq!(house.notes.written(), round + 1);
    }
}

#[tokio::test]
async fn more_checkers_at_once_than_connections_are_all_answered() {
    let house = House::open().await;
    let mut names = Vec::new();
    for number in 0..20 {
        names.push(ask(&house, REPLACE, &note("rate", &number.to_string())).await);
    }
    let decided = futures::future::join_all(names[..7].iter().map(|name| approve(&house, CHECKER, name)));
    for answer in decided.await {
        answer.unwrap();
    }
    assert_eq!(house.notes.written(), 7);
}

#[tokio::test]
async fn many_repeats_at_once_are_one_approval() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let names = futures::future::join_all((0..7).map(|_| ask(&house, REPLACE, &request))).await;
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    assert_eq!(audited(&house).await.len(), 1);
}

#[tokio::test]
async fn a_run_that_is_refused_is_answered_to_the_checker_and_goes_on_waiting() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let name = ask(&house, REPLACE, &request).await;
    let forbidden = NoteRequest { text: FORBIDDEN.to_owned(), ..request };
    let (bytes, digest) = encoded(&forbidden);
    for (column, value) in [("request", bytes), ("digest", digest)] {
        sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE platform.approval SET {column} = $1")))
            .bind(value)
            .execute(&house.database.owner)
            .await
            .unwrap();
    }
    let refused = approve(&house, CHECKER, &name).await.unwrap_err();
    assert_eq!((reason(&refused), fields(&refused)), ("FIELD_INVALID".to_owned(), vec!["text".to_owned()]));
    let approval = get(&house, &name).await;
    assert_eq!(approval.state(), ApprovalState::Pending);
    let preview: serde_json::Value = serde_json::from_str(&approval.preview_json).unwrap();
    assert_eq!(preview["code"], 3);
    assert_eq!(preview["details"][0]["reason"], "FIELD_INVALID");
    assert_eq!(preview["details"][1]["fieldViolations"][0]["field"], "text");
    assert_eq!(audited(&house).await.last().unwrap(), &entry("S1", "ApproveRequest", "FIELD_INVALID"));
}

fn encoded(request: &NoteRequest) -> (Vec<u8>, Vec<u8>) {
    let bytes = prost::Message::encode_to_vec(request);
    let digest = blake3::hash(&bytes).as_bytes().to_vec();
    (bytes, digest)
}

#[tokio::test]
async fn a_crash_between_the_run_and_its_mark_is_healed_by_approving_again() {
    let house = House::open().await;
    let request = note("rate", "3.10");
    let name = ask(&house, REPLACE, &request).await;
    for statement in [
        "CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$",
        "CREATE TRIGGER crash BEFORE UPDATE ON platform.approval FOR EACH ROW EXECUTE FUNCTION crash()",
    ] {
        sqlx::query(statement).execute(&house.database.owner).await.unwrap();
    }
    assert_eq!(approve(&house, CHECKER, &name).await.unwrap_err().code(), Code::Internal);
    assert_eq!(house.notes.written(), 1, "it ran");
    assert_eq!(get(&house, &name).await.state(), ApprovalState::Pending, "and nobody knows");

    sqlx::query("DROP TRIGGER crash ON platform.approval").execute(&house.database.owner).await.unwrap();
    approve(&house, CHECKER, &name).await.unwrap();
    assert_eq!(house.notes.written(), 1, "once");
    assert_eq!(repeat(&house, REPLACE, &request).await.unwrap(), " -> 3.10 by T1 and S1");
}

#[tokio::test]
async fn a_service_asks_for_a_second_person_only_when_it_needs_one() {
    let house = House::open().await;
    assert_eq!(repeat(&house, EXTEND, &note("story", "short")).await.unwrap(), " -> short by T1 and ");
    let request = long("story");
    let refused = repeat(&house, EXTEND, &request).await.unwrap_err();
    assert_eq!(metadata(&refused, "chars_max"), CHARS_MAX.to_string(), "the service's own words are kept");
    let name = ask(&house, EXTEND, &request).await;
    let other = repeat(&house, EXTEND, &NoteRequest { name: "tale".to_owned(), ..request.clone() })
        .await
        .unwrap_err();
    assert_eq!(reason(&other), "REQUEST_ID_REUSED");
    let preview = get(&house, &name).await.preview_json;
    assert!(preview.contains("\"before\":\"short\""), "{preview}");

    approve(&house, CHECKER, &name).await.unwrap();
    assert_eq!(house.notes.written(), 2);
    let answer = house.call(EXTEND, &house.token(MAKER.0, MAKER.1), &request).await.unwrap();
    assert_eq!((answer.writer.as_str(), answer.approver.as_str()), ("T1", "S1"));
    let malformed = NoteRequest { request_id: "seven".to_owned(), ..long("story") };
    assert_eq!(reason(&repeat(&house, EXTEND, &malformed).await.unwrap_err()), "REQUEST_ID_MISSING");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let house = House::open().await;
    for name in ["", "approvals/", "approvals/7", "notes/00000000-0000-0000-0000-000000000001"] {
        let refused = approve(&house, CHECKER, name).await.unwrap_err();
        assert_eq!(
            (reason(&refused), fields(&refused)),
            ("FIELD_INVALID".to_owned(), vec!["name".to_owned()])
        );
    }
    let unknown = "approvals/00000000-0000-0000-0000-000000000001";
    let refused = approve(&house, CHECKER, unknown).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::NotFound, "NOT_FOUND".to_owned()));
    assert_eq!(reason(&reject(&house, CHECKER, unknown, "no").await.unwrap_err()), "NOT_FOUND");
    let get = GetApprovalRequest { name: unknown.to_owned() };
    let refused = house.approvals("S1", "checker").get_approval(get).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}

#[tokio::test]
async fn what_was_settled_long_ago_is_cleared_and_nothing_else() {
    let house = House::open().await;
    let mut names = Vec::new();
    for number in 0..4 {
        names.push(ask(&house, REPLACE, &note("rate", &number.to_string())).await);
    }
    approve(&house, CHECKER, &names[0]).await.unwrap();
    reject(&house, CHECKER, &names[1], "no").await.unwrap();
    let age = "UPDATE platform.approval SET created_at = created_at - interval '60 days',
               expires_at = expires_at - interval '60 days', decided_at = decided_at - interval '60 days'
               WHERE id::text = $1";
    for name in &names[..3] {
        let id = name.trim_start_matches("approvals/");
        sqlx::query(age).bind(id).execute(&house.database.owner).await.unwrap();
    }
    let now = platform::clock::Clock::now(&*house.clock);
    assert_eq!(approval::clear(house.pool(), now - chrono::TimeDelta::days(90)).await.unwrap(), 0);
    assert_eq!(approval::clear(house.pool(), now).await.unwrap(), 3);
    assert_eq!(approval::clear(house.pool(), now + chrono::TimeDelta::days(90)).await.unwrap(), 0);
    assert_eq!(get(&house, &names[3]).await.state(), ApprovalState::Pending);
}
