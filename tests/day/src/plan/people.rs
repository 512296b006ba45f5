//! Names for customers, made up.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const SURNAMES: &[&str] = &[
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱",
    "秦", "尤", "许", "何", "吕", "施", "张",
];
const GIVEN: &[&str] = &[
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明", "超", "秀兰",
    "霞", "平", "刚", "桂英", "文", "建华", "晨",
];
const PLACES: &[&str] = &["北辰", "东海", "长江", "泰山", "华南", "昆仑", "星河", "远山", "白云", "金泉"];
const TRADES: &[&str] = &["商贸", "物流", "餐饮管理", "建筑工程", "信息技术", "医疗器械", "纺织", "机械制造"];

/// The name of a person.
pub(super) fn person(rng: &mut ChaCha8Rng) -> String {
    format!("{}{}", pick(rng, SURNAMES), pick(rng, GIVEN))
}

/// The name of a company, with a number so that there are enough of them.
pub(super) fn company(rng: &mut ChaCha8Rng) -> String {
    let number = rng.random_range(1..=99);
    format!("{}{}{number}号有限公司", pick(rng, PLACES), pick(rng, TRADES))
}

fn pick(rng: &mut ChaCha8Rng, from: &'static [&'static str]) -> &'static str {
    from.choose(rng).copied().unwrap_or_default()
}
