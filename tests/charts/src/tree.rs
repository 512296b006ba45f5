//! Values by their paths, as the tree that a file has of them; in the order in which they were put in.

/// A tree of values.
#[derive(Clone, Debug)]
pub enum Tree<T> {
    Group(Vec<(String, Tree<T>)>),
    Leaf(T),
}

impl<T> Tree<T> {
    /// The tree of values with dotted paths.
    pub fn of(values: impl IntoIterator<Item = (String, T)>) -> Tree<T> {
        let mut root = Vec::new();
        for (path, value) in values {
            put(&mut root, &path, value);
        }
        Tree::Group(root)
    }
}

fn put<T>(group: &mut Vec<(String, Tree<T>)>, path: &str, value: T) {
    let Some((name, rest)) = path.split_once('.') else {
        group.push((path.to_owned(), Tree::Leaf(value)));
        return;
    };
    if let Some((_, Tree::Group(inner))) = group.iter_mut().find(|(known, _)| known == name) {
        put(inner, rest, value);
        return;
    }
    let mut inner = Vec::new();
    put(&mut inner, rest, value);
    group.push((name.to_owned(), Tree::Group(inner)));
}
