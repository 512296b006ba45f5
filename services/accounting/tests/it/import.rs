//! `accounting import`, the program: files in, side files out, killed and started again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use testkit::wait_for;
use tokio::process::{Child, Command};

use crate::support::{
    BOUND, BankFixture,
    people::{HEAD_OFFICE, MIGRATOR, OPERATIONS},
};

/// A folder of this test's own.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("import-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("token"), MIGRATOR.token()).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn start(&self, bank: &BankFixture, kind: &str, file: &str, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_accounting"))
            .args(["import", kind, file, "--branch", HEAD_OFFICE, "--token-file", "token"])
            .args(["--to", &format!("http://{}", bank.address())])
            .args(more)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Runs it to its end: exit code, and what it said.
    async fn run(&self, bank: &BankFixture, kind: &str, file: &str, more: &[&str]) -> (i32, String) {
        let output = self.start(bank, kind, file, more).wait_with_output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Postings with a transaction code.
async fn posted(bank: &BankFixture, code: &str) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM posting WHERE code = $1").bind(code);
    count.fetch_one(&bank.database.dml).await.unwrap()
}

/// The figures of a line of the summary.
fn figures<'a>(output: &'a str, name: &str) -> Vec<&'a str> {
    let line =
        output.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {output}"));
    line.split_whitespace().skip(1).collect()
}

const ACCOUNTS: &str = "原账号,机构号,账户类型,科目号,币种,户名,客户号,开户日期
6222-1,110100,个人活期,201102,CNY,王敏,C1,20160229
6222-2,110200,个人活期,201102,CNY,\"李雷, 韩梅\",C2,2017/03/01
6222-3,110100,储蓄,201102,CNY,张三,C3,
6222-1,110100,个人活期,201102,CNY,王敏,C1,
";

const POSTINGS: &str = "交易号,会计日期,账号,原账号,借贷,币种,金额,摘要
1,2018-05-04,110100/100101,,借,CNY,\"1,000.00\",期初
1,,,6222-1,贷,CNY,1000.00,
2,2018/06/01,,6222-1,借,CNY,400,转账
2,,,6222-2,贷,CNY,400,
3,2018-06-02,,6222-2,借,CNY,400.01,透支
3,,,6222-1,贷,CNY,400.01,
4,2018-06-03,,6222-1,借,CNY,\"1,00\",写错
4,,,6222-2,贷,CNY,1.00,
";

#[tokio::test]
async fn files_come_in_and_refused_rows_are_mended_and_come_in_later() {
    let bank = BankFixture::open().await;
    let desk = Desk::new("files");
    let (gb18030, _, _) = encoding_rs::GB18030.encode(ACCOUNTS);
    desk.write("accounts.csv", gb18030);
    let (code, output) = desk.run(&bank, "accounts", "accounts.csv", &[]).await;
    assert_eq!(code, 2, "{output}");
    assert_eq!((figures(&output, "done"), figures(&output, "refused")), (vec!["2"], vec!["2"]));
    let refused = desk.read("accounts.csv.refused.csv");
    let refused: Vec<&str> = refused.lines().collect();
    assert!(refused[0].starts_with("line,reason,field,message,原账号,机构号"), "{refused:?}");
    assert!(refused[1].starts_with("4,FIELD_INVALID,kind,"), "{refused:?}");
    assert!(refused[2].starts_with("5,FORMER_NUMBER_TAKEN,former_number,"), "{refused:?}");
    let numbers = desk.read("accounts.csv.numbers.csv");
    assert_eq!(numbers.lines().count(), 3);
    assert!(numbers.lines().nth(2).unwrap().starts_with("3,6222-2,110200010"), "{numbers}");

    desk.write("postings.csv", [b"\xef\xbb\xbf", POSTINGS.as_bytes()].concat());
    let (code, output) = desk.run(&bank, "postings", "postings.csv", &["--dry-run"]).await;
    assert_eq!((code, posted(&bank, "MOVING_IN").await), (2, 0), "{output}");
    assert_eq!(desk.read("postings.csv.checked.csv").lines().count(), 5);
    assert!(!desk.has("postings.csv.refused.csv"));
    let (code, output) = desk.run(&bank, "postings", "postings.csv", &["--code", "OPENING"]).await;
    assert_eq!(code, 2, "{output}");
    assert_eq!((figures(&output, "rows"), figures(&output, "items")), (vec!["8"], vec!["4"]));
    assert_eq!(figures(&output, "CNY"), ["1400.00", "debit", "1400.00", "credit"]);
    assert_eq!(posted(&bank, "OPENING").await, 2);
    let refused = desk.read("postings.csv.refused.csv");
    let starts: Vec<String> =
        refused.lines().skip(1).map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(
        starts,
        [
            "6,FUNDS_INSUFFICIENT,lines[0].amount",
            "7,FUNDS_INSUFFICIENT,lines[0].amount",
            "8,AMOUNT_MALFORMED,amount",
            "9,AMOUNT_MALFORMED,amount"
        ]
    );

    let mended = refused.replace("400.01", "400").replace("\"1,00\"", "1.00");
    desk.write("postings.csv.refused.csv", mended);
    let (code, output) =
        desk.run(&bank, "postings", "postings.csv.refused.csv", &["--code", "OPENING"]).await;
    assert_eq!((code, posted(&bank, "OPENING").await), (0, 4), "{output}");
    assert!(!desk.has("postings.csv.refused.csv.refused.csv"));
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn what_is_imported_again_posts_nothing_new_and_what_cannot_be_meant_is_said() {
    let bank = BankFixture::open().await;
    let desk = Desk::new("again");
    let header = "debit_account,credit_account,currency,amount\n";
    let file = |amount: &str| format!("{header}110100/100101,110100/2241,CNY,{amount}\n");
    desk.write("a.csv", file("5"));
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN", "--dry-run"]).await;
    assert_eq!((code, posted(&bank, "AGAIN").await), (0, 0), "{output}");
    assert!(!desk.has("a.csv.progress.json"));

    assert_eq!(desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN"]).await.0, 0);
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN"]).await;
    assert!(code == 0 && output.contains("imported already"), "{output}");
    fs::remove_file(desk.0.join("a.csv.progress.json")).unwrap();
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN"]).await;
    assert_eq!((code, figures(&output, "done")), (0, vec!["1"]), "the service knows it too: {output}");
    assert_eq!(posted(&bank, "AGAIN").await, 1);
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "OTHER"]).await;
    assert!(code == 1 && output.contains("begun with other options"), "{output}");
    fs::remove_file(desk.0.join("a.csv.progress.json")).unwrap();
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "OTHER"]).await;
    assert!(code == 1 && output.contains("REQUEST_ID_REUSED"), "{output}");
    assert_eq!(posted(&bank, "OTHER").await, 0);

    desk.write("a.csv", file("6"));
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN"]).await;
    assert_eq!((code, posted(&bank, "AGAIN").await), (0, 2), "another content is another file: {output}");
    desk.write("a.csv", file("8"));
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "AGAIN"]).await;
    assert!(code == 0 && output.contains("begins again"), "{output}");
    assert_eq!(posted(&bank, "AGAIN").await, 3);
    desk.write("b.csv", "debit,credit\n");
    let (code, output) = desk.run(&bank, "postings", "b.csv", &[]).await;
    assert!(code == 1 && output.contains("the columns are"), "{output}");
    desk.write("token", OPERATIONS.token());
    desk.write("c.csv", file("7"));
    let (code, output) = desk.run(&bank, "postings", "c.csv", &[]).await;
    assert!(code == 1 && output.contains("PERMISSION_DENIED"), "{output}");
}

/// Eight batches, of which each is sent more than once in all.
const TRANSACTIONS: usize = 8_000;

#[tokio::test]
async fn an_import_that_is_killed_goes_on_and_doubles_nothing() {
    let bank = BankFixture::open().await;
    let desk = Desk::new("killed");
    let row = |number: usize| {
        let day = 1 + number * 27 / TRANSACTIONS;
        let debit = if number.is_multiple_of(1_000) { "110100/9999" } else { "110100/100101" };
        format!("2018-05-{day:02},{debit},110100/2241,CNY,{}.25\n", 1 + number % 100)
    };
    let rows: String = (0..TRANSACTIONS).map(row).collect();
    desk.write("a.csv", format!("accounting_date,debit_account,credit_account,currency,amount\n{rows}"));
    for enough in [1, 3_000] {
        let mut import = desk.start(&bank, "postings", "a.csv", &["--code", "KILLED"]);
        wait_for(2 * BOUND, "some of it to be posted", || async {
            (posted(&bank, "KILLED").await >= enough).then_some(())
        })
        .await;
        import.start_kill().unwrap();
        let ended = import.wait().await.unwrap();
        assert_eq!(ended.code(), None, "it was killed before its end");
    }
    let (code, output) = desk.run(&bank, "postings", "a.csv", &["--code", "KILLED"]).await;
    assert_eq!(code, 2, "{output}");
    let refused = TRANSACTIONS / 1_000;
    let done = TRANSACTIONS - refused;
    assert_eq!(figures(&output, "done"), [done.to_string()]);
    assert_eq!(posted(&bank, "KILLED").await, i64::try_from(done).unwrap());
    let output = desk.read("a.csv.refused.csv");
    let lines: Vec<&str> = output.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let expected: Vec<String> = (0..refused).map(|place| (2 + place * 1_000).to_string()).collect();
    assert_eq!(lines, expected, "each refused row once, in order");
    bank.prove().await.unwrap();
}

/// The service is away for a while.
#[tokio::test]
async fn an_import_waits_for_a_service_that_is_away() {
    let mut bank = BankFixture::open().await;
    let desk = Desk::new("away");
    let row = "110100/100101,110100/2241,CNY,1\n";
    desk.write("a.csv", format!("debit_account,credit_account,currency,amount\n{}", row.repeat(3_000)));
    let address = bank.address();
    let import = desk.start(&bank, "postings", "a.csv", &["--code", "AWAY"]);
    wait_for(2 * BOUND, "some of it to be posted", || async {
        (posted(&bank, "AWAY").await > 0).then_some(())
    })
    .await;
    bank.harness().stop().await;
    bank.harness().start_again_on(address).await;
    let output = tokio::time::timeout(5 * BOUND, import.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(posted(&bank, "AWAY").await, 3_000);
}
