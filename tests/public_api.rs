//! The public interface of each published crate is the committed one: `data/public_api`. A line is added, changed or removed
//! only on purpose.
//!
//! Read from the sources, so that the test needs no tool: the lint `unreachable_pub` makes sure that what is `pub` can be
//! reached. Of a macro that declares public items, each list of arguments is a part of the interface, as is the declaration.

use super::packages::{PUBLISHED, root};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Type, Visibility};

fn committed(name: &str) -> PathBuf {
    root().join("tests/data/public_api").join(name).with_extension("txt")
}

/// The source at a span, as one line without comments.
fn text(span: Span) -> String {
    let source = span.source_text().unwrap_or_default();
    let lines = source.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    // As if it had been written on one line.
    let line = line
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(",)", ")")
        .replace("< ", "<")
        .replace(", >", ">")
        .replace("(mut self", "(self");
    line.trim_end_matches(['{', ' ', ',', ';']).to_owned()
}

/// The source from the beginning of a span to the end of another.
fn between(start: Span, end: Span) -> String {
    text(start.join(end).unwrap_or(start))
}

/// The tokens as text, whatever is around them.
fn tokens(stream: TokenStream) -> String {
    let mut stream = stream.into_iter();
    let Some(first) = stream.next() else { return String::new() };
    let last = stream.last().unwrap_or_else(|| first.clone());
    between(first.span(), last.span())
}

/// Lists the public items of one crate.
#[derive(Default)]
struct Listing {
    lines: BTreeSet<String>,
    /// The macros that declare public items, or lists of them.
    declaring: BTreeSet<String>,
    /// The names of types that are not public.
    private: BTreeSet<String>,
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = text(attribute.span());
        text.contains("doc(hidden)") || text == "#[cfg(test)]" || text == "#[cfg(doctest)]"
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The attributes that are a part of the interface.
fn notes(attributes: &[Attribute]) -> String {
    let kept = ["cfg", "derive", "non_exhaustive", "macro_export", "default"];
    let kept = attributes.iter().filter(|attribute| kept.iter().any(|name| attribute.path().is_ident(name)));
    kept.map(|attribute| text(attribute.span()) + " ").collect()
}

/// The name of a type without its path and arguments.
fn name_of(kind: &Type) -> Option<String> {
    match kind {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => name_of(&reference.elem),
        _ => None,
    }
}

impl Listing {
    fn add(&mut self, module: &str, attributes: &[Attribute], line: &str) {
        self.lines.insert(format!("{module}: {}{line}", notes(attributes)));
    }

    /// A first look: macros that declare public items, and types that are not public.
    fn look(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Macro(item) => {
                    let body = item.mac.tokens.to_string();
                    let declares =
                        body.contains("pub fn ") || body.contains("pub use ") || body.contains("pub trait ");
                    if let Some(name) = &item.ident
                        && (declares || body.contains("$ expand !"))
                    {
                        self.declaring.insert(name.to_string());
                    }
                }
                Item::Struct(item) if !is_public(&item.vis) => {
                    self.private.insert(item.ident.to_string());
                }
                Item::Enum(item) if !is_public(&item.vis) => {
                    self.private.insert(item.ident.to_string());
                }
                Item::Trait(item) if !is_public(&item.vis) => {
                    self.private.insert(item.ident.to_string());
                }
                Item::Mod(item) if !is_hidden(&item.attrs) => {
                    item.content.iter().for_each(|(_, items)| self.look(items));
                }
                _ => {}
            }
        }
    }

    /// The lines of the public items.
    fn list(&mut self, module: &str, items: &[Item]) {
        for item in items {
            match item {
                Item::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    self.add(module, &item.attrs, &between(item.vis.span(), item.ty.span()));
                }
                Item::Static(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    self.add(module, &item.attrs, &between(item.vis.span(), item.ty.span()));
                }
                Item::Type(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    self.add(module, &item.attrs, &between(item.vis.span(), item.ty.span()));
                }
                Item::Use(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    self.add(module, &item.attrs, &between(item.vis.span(), item.tree.span()));
                }
                Item::Fn(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    self.add(module, &item.attrs, &between(item.vis.span(), item.sig.span()));
                }
                Item::Struct(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let head = format!("pub struct {}{}", item.ident, text(item.generics.span()));
                    self.fields(module, &head, &item.fields);
                    self.add(module, &item.attrs, &head);
                }
                Item::Enum(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let head = format!("pub enum {}{}", item.ident, text(item.generics.span()));
                    self.add(module, &item.attrs, &head);
                    for variant in item.variants.iter().filter(|variant| !is_hidden(&variant.attrs)) {
                        let fields = match &variant.fields {
                            Fields::Unit => String::new(),
                            fields => text(fields.span()),
                        };
                        self.add(module, &variant.attrs, &format!("{head}::{}{fields}", variant.ident));
                    }
                }
                Item::Trait(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let head = format!("pub trait {}", item.ident);
                    self.add(module, &item.attrs, &between(item.vis.span(), item.brace_token.span.open()));
                    item.items.iter().for_each(|item| self.trait_item(module, &head, item));
                }
                Item::Impl(item) => self.implementation(module, item),
                Item::Mod(item) if !is_hidden(&item.attrs) => {
                    if is_public(&item.vis) {
                        self.add(module, &item.attrs, &format!("pub mod {}", item.ident));
                    }
                    let inner = format!("{module}::{}", item.ident);
                    item.content.iter().for_each(|(_, items)| self.list(&inner, items));
                }
                Item::Macro(item) if !is_hidden(&item.attrs) => self.macros(module, item),
                _ => {}
            }
        }
    }

    fn fields(&mut self, module: &str, head: &str, fields: &Fields) {
        for (k, field) in fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
            let name = field.ident.as_ref().map_or_else(|| k.to_string(), ToString::to_string);
            self.add(module, &field.attrs, &format!("{head}: {name}: {}", text(field.ty.span())));
        }
        // A struct without hidden fields can be written as a literal.
        if !fields.is_empty() && fields.iter().all(|field| is_public(&field.vis)) {
            self.lines.insert(format!("{module}: {head}: all fields are public"));
        }
    }

    fn trait_item(&mut self, module: &str, head: &str, item: &TraitItem) {
        let (attributes, text, provided) = match item {
            TraitItem::Fn(item) => (&item.attrs, text(item.sig.span()), item.default.is_some()),
            TraitItem::Type(item) => (&item.attrs, text(item.span()), item.default.is_some()),
            TraitItem::Const(item) => (&item.attrs, text(item.span()), item.default.is_some()),
            _ => return,
        };
        if !is_hidden(attributes) {
            let text = text.rsplit("] ").next().unwrap_or_default();
            let kind = if provided { "provided" } else { "required" };
            self.add(module, attributes, &format!("{head}: {kind} {text}"));
        }
    }

    fn implementation(&mut self, module: &str, item: &syn::ItemImpl) {
        let of = item
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last().map(|last| last.ident.to_string()));
        let private = |name: Option<String>| name.is_some_and(|name| self.private.contains(&name));
        if private(name_of(&item.self_ty)) || private(of) || is_hidden(&item.attrs) {
            return;
        }
        let head = between(item.impl_token.span, item.brace_token.span.open());
        if item.trait_.is_some() {
            return self.add(module, &item.attrs, &head);
        }
        for item in &item.items {
            match item {
                ImplItem::Fn(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let line = between(item.vis.span(), item.sig.span());
                    self.add(module, &item.attrs, &format!("{head}: {line}"));
                }
                ImplItem::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let line = between(item.vis.span(), item.ty.span());
                    self.add(module, &item.attrs, &format!("{head}: {line}"));
                }
                _ => {}
            }
        }
    }

    /// The public items in the declaration of a macro, and the arguments of its calls.
    fn macros(&mut self, module: &str, item: &syn::ItemMacro) {
        let stream = item.mac.tokens.clone();
        if let Some(name) = &item.ident {
            let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
            if exported {
                for arm in stream.clone() {
                    if let TokenTree::Group(arm) = arm
                        && arm.delimiter() != Delimiter::Brace
                    {
                        self.add(module, &item.attrs, &format!("macro {name}!{}", tokens(arm.stream())));
                    }
                }
            }
            if self.declaring.contains(&name.to_string()) {
                self.template(&format!("{module}: in {name}!"), stream.clone());
                if stream.to_string().contains("$ expand !") {
                    self.arguments(&format!("{module}: list {name}!"), stream);
                }
            }
        } else if let Some(last) = item.mac.path.segments.last()
            && self.declaring.contains(&last.ident.to_string())
        {
            self.arguments(&format!("{module}: {}!", last.ident), stream);
        }
    }

    /// The signatures that begin with `pub`, at any depth.
    fn template(&mut self, head: &str, stream: TokenStream) {
        let all: Vec<TokenTree> = stream.into_iter().collect();
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(mark) => mark.as_char() == ';',
            _ => false,
        };
        for (k, token) in all.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "pub" => {
                    let restricted = matches!(all.get(k + 1), Some(TokenTree::Group(_)));
                    if let Some(end) = all[k..].iter().position(is_end).filter(|_| !restricted) {
                        let line = between(token.span(), all[k + end - 1].span());
                        self.lines.insert(format!("{head}: {line}"));
                    }
                }
                TokenTree::Group(group) => self.template(head, group.stream()),
                _ => {}
            }
        }
    }

    /// The arguments, cut at semicolons and commas, in the innermost braces that have some.
    fn arguments(&mut self, head: &str, stream: TokenStream) {
        let mut part: Vec<TokenTree> = Vec::new();
        for token in stream {
            match &token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    if is_list(group.stream()) {
                        let mut words = part.drain(..).filter(|token| matches!(token, TokenTree::Ident(_)));
                        let family = words.next_back().map(|token| token.to_string()).unwrap_or_default();
                        self.arguments(&format!("{head} {family}"), group.stream());
                    } else {
                        part.push(token);
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => self.argument(head, &mut part),
                _ => part.push(token),
            }
        }
        self.argument(head, &mut part);
    }

    fn argument(&mut self, head: &str, part: &mut Vec<TokenTree>) {
        let line = tokens(part.drain(..).collect());
        if !line.is_empty() {
            self.lines.insert(format!("{head}: {line}"));
        }
    }
}

/// Returns `true` if the tokens are cut by semicolons, here or in braces.
fn is_list(stream: TokenStream) -> bool {
    stream.into_iter().any(|token| match token {
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && is_list(group.stream()),
        _ => false,
    })
}

/// The Rust files below a folder, each with the path of its module.
fn files(folder: &Path, module: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let inner = || [module, "::", &name].concat();
        match name.as_str() {
            "tests" => {}
            _ if path.is_dir() => files(&path, &inner(), found),
            _ if path.extension().is_none_or(|extension| extension != "rs") => {}
            "lib" | "mod" => found.push((module.to_owned(), path)),
            _ => found.push((inner(), path)),
        }
    }
}

/// The public interface of a crate, sorted.
fn interface(name: &str) -> BTreeSet<String> {
    let mut found = Vec::new();
    files(&root().join("crates").join(name).join("src"), &name.replace('-', "_"), &mut found);
    let mut listing = Listing::default();
    let parse = |path: &Path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).items
    };
    let parsed: Vec<(String, Vec<Item>)> = found
        .into_iter()
        .filter(|(module, _)| module != "tape::internal")
        .map(|(module, path)| (module, parse(&path)))
        .collect();
    parsed.iter().for_each(|(_, items)| listing.look(items));
    parsed.iter().for_each(|(module, items)| listing.list(module, items));
    listing.lines
}

/// The lines of `old` that `new` lacks, with a minus sign, and those that it adds, with a plus sign.
fn differences(old: &BTreeSet<String>, new: &BTreeSet<String>) -> String {
    let gone = old.difference(new).map(|line| format!("- {line}\n"));
    let added = new.difference(old).map(|line| format!("+ {line}\n"));
    gone.chain(added).collect()
}

#[test]
fn the_public_interfaces_are_the_committed_ones() {
    let mut changes = String::new();
    for name in PUBLISHED {
        let old =
            fs::read_to_string(committed(name)).unwrap_or_default().lines().map(str::to_owned).collect();
        changes += &differences(&old, &interface(name));
    }
    assert!(
        changes.is_empty(),
        "the public interface changed (- breaks users, + is new). If that is intended, accept it and describe it in \
         CHANGELOG.md: cargo test -p tests --test library -- --ignored write_the_public_interfaces\n{changes}"
    );
}

#[test]
#[ignore = "writes tests/data/public_api"]
fn write_the_public_interfaces() {
    for name in PUBLISHED {
        let lines = interface(name).into_iter().collect::<Vec<_>>().join("\n") + "\n";
        fs::write(committed(name), lines).expect("a writable folder");
    }
}

#[test]
fn every_kind_of_public_item_is_listed() {
    let source = r#"
        /// Not this.
        pub fn free<T: Clone>(
            x: &T, // nor this
            y: f64,
        ) -> T { todo() }
        fn private() {}
        pub(crate) fn of_the_crate() {}
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct S<T> { pub x: T, y: u8 }
        pub struct Pair(pub u8, pub u16);
        struct Hidden;
        pub enum E { A, B(u8), C { x: u8 } }
        pub trait Tr: Clone { const N: usize; type Out; fn needed(&self); fn given(&self) {} }
        impl<T> S<T> { pub fn get(&self) -> &T { &self.x } fn no(&self) {} }
        impl<T: Clone> Clone for S<T> { fn clone(&self) -> Self { todo() } }
        impl Clone for Hidden { fn clone(&self) -> Self { todo() } }
        pub use inner::{a, b};
        pub const K: usize = 3;
        #[doc(hidden)] pub fn not_for_users() {}
        #[cfg(feature = "f")] pub mod m { pub fn deep() {} }
        macro_rules! make { ($(fn $name:ident;)*) => { $(pub fn $name(self) -> u8 { 0 })* } }
        make! { fn one; fn two; }
        macro_rules! quiet { () => { fn nothing() {} } }
        quiet! { }
    "#;
    let mut listing = Listing::default();
    let items = syn::parse_file(source).expect("the source above").items;
    listing.look(&items);
    listing.list("c", &items);
    let found: Vec<&str> = listing.lines.iter().map(String::as_str).collect();
    let expected = [
        "c: #[cfg(feature = \"f\")] pub mod m",
        "c: #[derive(Debug)] #[non_exhaustive] pub struct S<T>",
        "c: impl<T: Clone> Clone for S<T>",
        "c: impl<T> S<T>: pub fn get(&self) -> &T",
        "c: in make!: pub fn $name(self) -> u8",
        "c: make!: fn one",
        "c: make!: fn two",
        "c: pub const K: usize",
        "c: pub enum E",
        "c: pub enum E::A",
        "c: pub enum E::B(u8)",
        "c: pub enum E::C{ x: u8 }",
        "c: pub fn free<T: Clone>(x: &T, y: f64) -> T",
        "c: pub struct Pair",
        "c: pub struct Pair: 0: u8",
        "c: pub struct Pair: 1: u16",
        "c: pub struct Pair: all fields are public",
        "c: pub struct S<T>: x: T",
        "c: pub trait Tr: Clone",
        "c: pub trait Tr: provided fn given(&self)",
        "c: pub trait Tr: required const N: usize",
        "c: pub trait Tr: required fn needed(&self)",
        "c: pub trait Tr: required type Out",
        "c: pub use inner::{a, b}",
        "c::m: pub fn deep()",
    ];
    assert_eq!(found, expected);
    // A changed signature is a line gone and a line added.
    let changed: BTreeSet<String> =
        listing.lines.iter().map(|line| line.replace("y: f64", "y: f32")).collect();
    let expected =
        "- c: pub fn free<T: Clone>(x: &T, y: f64) -> T\n+ c: pub fn free<T: Clone>(x: &T, y: f32) -> T\n";
    assert_eq!(differences(&listing.lines, &changed), expected);
}
