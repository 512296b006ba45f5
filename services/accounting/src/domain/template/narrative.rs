//! Narratives with `{field}` for what a field says.

/// Longest narrative of a line or a posting, in characters. One that its fields make longer is cut.
pub const NARRATIVE_CHARS_MAX: usize = 200;

/// A narrative, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Narrative(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Field(String),
}

impl Narrative {
    /// Takes a narrative apart. `is_known` says which fields there are.
    pub fn compile(source: &str, is_known: impl Fn(&str) -> bool) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("has a { that is not closed")?;
            if !is_known(name) {
                return Err(format!("names {{{name}}}, which is no field"));
            }
            pieces.extend([Piece::Text(text.to_owned()), Piece::Field(name.to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The narrative with what the fields say.
    pub fn fill(&self, said: impl Fn(&str) -> String) -> String {
        let filled: String = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Field(name) => said(name),
            })
            .collect();
        filled.chars().take(NARRATIVE_CHARS_MAX).collect()
    }
}
