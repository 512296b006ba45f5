//! The contract: what each rpc must say of itself, and each request must carry.

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MethodDescriptor};
use proto_common::{common::v1::ApprovalRule, options};

use crate::Finding;

/// Deciding on an approval needs no `request_id`: the approval's own state lets it happen once.
const ONCE_BY_ITSELF: &str = "countinghouse.approval.v1";

/// Verbs that change nothing.
const READING_VERBS: &[&str] = &["Get", "List", "Search", "Preview", "Verify"];

/// What is wrong with the rpcs of `pool`.
pub fn check(pool: &DescriptorPool) -> Vec<Finding> {
    let methods: Vec<MethodDescriptor> =
        pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    methods.iter().flat_map(check_method).collect()
}

fn check_method(method: &MethodDescriptor) -> Vec<Finding> {
    let name = method.full_name();
    let Some(policy) = options::policy(method) else {
        return vec![Finding::of(
            name,
            "say who may call it: `option (countinghouse.common.v1.policy) = {permission: ...}`",
        )];
    };
    let mut findings = Vec::new();
    let mut report = |message: &str| findings.push(Finding::of(name, message));

    let permission = &policy.permission;
    let words: Vec<&str> = permission.split('.').collect();
    let service = method.parent_service().package_name().split('.').nth(1).unwrap_or_default().to_owned();
    if words.len() != 3 || words[0] != service || words.iter().any(|word| word.is_empty()) {
        report("call its permission `<service>.<resource>.<verb>`");
    }
    let reads = READING_VERBS.iter().any(|verb| method.name().starts_with(verb));
    if reads != (words.last() == Some(&"read")) {
        report(
            "its permission ends in `.read` when it reads (Get, List ...), and not when it changes something",
        );
    }
    if reads != options::only_reads(method) {
        report(
            "say `option idempotency_level = NO_SIDE_EFFECTS` when it reads, and only then: any replica may do it",
        );
    }
    if !reads
        && method.parent_service().package_name() != ONCE_BY_ITSELF
        && !has_field(method, "request_id", &Kind::String)
    {
        report("it changes something: give its request a `string request_id`");
    }
    let needs_checker = policy.approval() != ApprovalRule::Unspecified;
    if needs_checker && !has_field(method, "validate_only", &Kind::Bool) {
        report("a second person must see what it would do: give its request a `bool validate_only`");
    }
    if needs_checker == policy.checking_permission.is_empty() {
        report("`checking_permission` is set exactly when `approval` is");
    }
    let scope_field = &policy.scope_field;
    if !scope_field.is_empty() && !has_field(method, scope_field, &Kind::String) {
        report("its `scope_field` names no string field of its request");
    }
    findings
}

fn has_field(method: &MethodDescriptor, name: &str, kind: &Kind) -> bool {
    let field: Option<FieldDescriptor> = method.input().get_field_by_name(name);
    field.is_some_and(|field| field.kind() == *kind && !field.is_list())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;
    use crate::tree::root;

    /// The findings on a contract of one rpc, besides the house's own policy option.
    fn findings(rpc: &str, request_fields: &str) -> Vec<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tidy-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            r#"syntax = "proto3";
            package countinghouse.vault.v1;
            import "countinghouse/common/v1/policy.proto";
            service BoxService {{ {rpc} }}
            message Request {{ {request_fields} }}
            message Response {{}}"#
        );
        fs::write(folder.join("vault.proto"), text).unwrap();
        let mut compiler = protox::Compiler::new([folder.clone(), root().join("proto")]).unwrap();
        compiler.include_imports(true).open_file("vault.proto").unwrap();
        let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap();
        fs::remove_dir_all(folder).unwrap();
        check(&pool).into_iter().map(|finding| finding.message).collect()
    }

    fn rpc(name: &str, policy: &str) -> String {
        format!(
            "rpc {name}(Request) returns (Response) {{ option (countinghouse.common.v1.policy) = {{{policy}}}; }}"
        )
    }

    fn reading_rpc(name: &str, policy: &str) -> String {
        rpc(name, policy).replacen("{ option", "{ option idempotency_level = NO_SIDE_EFFECTS; option", 1)
    }

    #[test]
    fn sound_rpcs_are_left_alone() {
        let fields = "string request_id = 1; bool validate_only = 2; string branch = 3;";
        let policy = r#"permission: "vault.boxes.open" approval: APPROVAL_RULE_ALWAYS checking_permission: "vault.boxes.check""#;
        assert!(findings(&rpc("OpenBox", &format!(r#"{policy} scope_field: "branch""#)), fields).is_empty());
        assert!(findings(&reading_rpc("GetBox", r#"permission: "vault.boxes.read""#), "").is_empty());
    }

    #[test]
    fn an_rpc_without_a_policy_is_found() {
        assert_eq!(findings("rpc GetBox(Request) returns (Response);", "").len(), 1);
    }

    #[test]
    fn a_permission_that_is_not_of_the_service_or_not_of_the_verb_is_found() {
        assert_eq!(findings(&reading_rpc("GetBox", r#"permission: "voucher.boxes.read""#), "").len(), 1);
        assert_eq!(findings(&reading_rpc("GetBox", r#"permission: "vault.boxes.open""#), "").len(), 1);
    }

    #[test]
    fn a_reading_rpc_that_does_not_say_so_and_a_changing_one_that_does_are_found() {
        assert_eq!(findings(&rpc("GetBox", r#"permission: "vault.boxes.read""#), "").len(), 1);
        let fields = "string request_id = 1;";
        assert_eq!(findings(&reading_rpc("OpenBox", r#"permission: "vault.boxes.open""#), fields).len(), 1);
    }

    #[test]
    fn a_change_without_a_request_id_is_found() {
        assert_eq!(findings(&rpc("OpenBox", r#"permission: "vault.boxes.open""#), "").len(), 1);
    }

    #[test]
    fn an_approval_without_a_preview_or_a_checker_is_found() {
        let fields = "string request_id = 1;";
        let policy = r#"permission: "vault.boxes.open" approval: APPROVAL_RULE_ALWAYS"#;
        assert_eq!(findings(&rpc("OpenBox", policy), fields).len(), 2);
    }

    #[test]
    fn a_scope_that_is_not_in_the_request_is_found() {
        assert_eq!(
            findings(&reading_rpc("GetBox", r#"permission: "vault.boxes.read" scope_field: "branch""#), "")
                .len(),
            1
        );
    }
}
