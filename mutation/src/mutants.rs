//! The mutants of a file: small mistakes, each described by how the source changes.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, BinOp, Block, Expr, GenericArgument, Pat, PathArguments, ReturnType, Signature, Type, UnOp,
};

/// A mistake in a file.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub line: usize,
    pub column: usize,
    /// The mistake in words, with the name of its function.
    pub text: String,
    pub change: Change,
}

/// How a mutant changes the source. Ranges are bytes of the file.
#[derive(Clone, Debug)]
pub enum Change {
    /// An expression becomes another one, which is made of pieces.
    Replace { whole: Range<usize>, pieces: Vec<Piece> },
    /// Text around the condition that the mutant is switched on.
    Insert { at: usize, before: &'static str, after: String },
}

/// A piece of a replacement.
#[derive(Clone, Debug)]
pub enum Piece {
    Text(&'static str),
    Source(Range<usize>),
}

/// Returns the mutants of a file, in the order of the source.
///
/// Not mutated: tests, constants and constant functions, which cannot read a switch, code behind a `cfg`, macros
/// and the text of `Display` and `Debug`.
pub fn mutants(source: &str) -> syn::Result<Vec<Mutant>> {
    let mut finder = Finder { names: Vec::new(), found: Vec::new() };
    finder.visit_file(&syn::parse_file(source)?);
    finder.found.sort_by_key(|mutant| (mutant.line, mutant.column));
    Ok(finder.found)
}

struct Finder {
    /// The module, type and function around the visited expression.
    names: Vec<String>,
    found: Vec<Mutant>,
}

impl Finder {
    fn add(&mut self, at: proc_macro2::Span, text: String, change: Change) {
        let start = at.start();
        let text = format!("{text} in {}", self.names.join("::"));
        self.found.push(Mutant { line: start.line, column: start.column + 1, text, change });
    }

    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.names.push(name);
        visit(self);
        self.names.pop();
    }

    fn function(&mut self, signature: &Signature, block: &Block, visit: impl FnOnce(&mut Self)) {
        if signature.constness.is_some() {
            return;
        }
        self.within(signature.ident.to_string(), |finder| {
            let values = match &signature.output {
                ReturnType::Default => vec!["()".to_owned()],
                ReturnType::Type(_, of) => values(of),
            };
            let at = block.brace_token.span.open();
            for value in values.into_iter().filter(|value| !is_value(block, value)) {
                let text = format!("replace the body by {value}");
                let after = format!(" {{ return {value}; }}");
                finder.add(at, text, Change::Insert { at: at.byte_range().end, before: " if ", after });
            }
            visit(finder);
        });
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Trait(item) => &item.attrs,
            _ => return, // constants, types, macros
        };
        if !conditional(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.within(item.ident.to_string(), |finder| visit::visit_item_mod(finder, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within(item.ident.to_string(), |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
        let of = item.trait_.as_ref().and_then(|(_, path, _)| last(path));
        if matches!(of.as_deref(), Some("Display" | "Debug")) {
            return;
        }
        let name = match &*item.self_ty {
            Type::Path(path) => last(&path.path),
            _ => None,
        };
        let name = name.unwrap_or_else(|| "_".to_owned());
        self.within(name, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block, |finder| visit::visit_block(finder, &item.block));
    }

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !conditional(&item.attrs) {
            self.function(&item.sig, &item.block, |finder| visit::visit_block(finder, &item.block));
        }
    }

    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block, |finder| visit::visit_block(finder, block));
        }
    }

    // Lengths in types and patterns are constants.
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_path_arguments(&mut self, _: &'ast PathArguments) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !conditional(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_expr_block(&mut self, block: &'ast syn::ExprBlock) {
        if !conditional(&block.attrs) {
            visit::visit_expr_block(self, block);
        }
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        if !conditional(&branch.attrs) {
            visit::visit_expr_if(self, branch);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let (left, right) = (bytes(&*binary.left), bytes(&*binary.right));
        for &(from, operator) in OPERATORS {
            if name(&binary.op) == from && !has_let(&binary.left) && !has_let(&binary.right) {
                let pieces = vec![
                    Piece::Text("("),
                    Piece::Source(left.clone()),
                    Piece::Text(") "),
                    Piece::Text(operator),
                    Piece::Text(" ("),
                    Piece::Source(right.clone()),
                    Piece::Text(")"),
                ];
                let change = Change::Replace { whole: bytes(binary), pieces };
                self.add(binary.op.span(), format!("replace {from} by {operator}"), change);
            }
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let sign = match unary.op {
            UnOp::Not(_) => "!",
            UnOp::Neg(_) => "-",
            _ => "",
        };
        if !sign.is_empty() {
            let pieces = vec![Piece::Text("("), Piece::Source(bytes(&*unary.expr)), Piece::Text(")")];
            let change = Change::Replace { whole: bytes(unary), pieces };
            self.add(unary.op.span(), format!("delete {sign}"), change);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, of: &'ast syn::ExprMatch) {
        let rest = of.arms.iter().any(|arm| matches!(arm.pat, Pat::Wild(_)) && arm.guard.is_none());
        for arm in &of.arms {
            if let Some((_, guard)) = &arm.guard {
                // The arm uses what a `let` binds.
                for value in ["true", "false"].iter().filter(|_| !has_let(guard)) {
                    let change = Change::Replace { whole: bytes(&**guard), pieces: vec![Piece::Text(value)] };
                    self.add(guard.span(), format!("replace the guard by {value}"), change);
                }
            } else if rest && !matches!(arm.pat, Pat::Wild(_)) {
                let at = arm.pat.span().byte_range().end;
                let change = Change::Insert { at, before: " if !", after: String::new() };
                self.add(arm.pat.span(), "delete the arm".to_owned(), change);
            }
        }
        visit::visit_expr_match(self, of);
    }
}

/// Each operator and what may be written by mistake for it.
const OPERATORS: &[(&str, &str)] = &[
    ("==", "!="),
    ("!=", "=="),
    ("<", "<="),
    ("<", ">"),
    ("<", "=="),
    (">", ">="),
    (">", "<"),
    (">", "=="),
    ("<=", ">"),
    ("<=", "<"),
    (">=", "<"),
    (">=", ">"),
    ("&&", "||"),
    ("||", "&&"),
    ("+", "-"),
    ("+", "*"),
    ("-", "+"),
    ("-", "/"),
    ("*", "+"),
    ("*", "/"),
    ("/", "*"),
    ("/", "%"),
    ("%", "/"),
    ("%", "+"),
    ("<<", ">>"),
    (">>", "<<"),
    ("&", "|"),
    ("|", "&"),
    ("^", "|"),
    ("+=", "-="),
    ("+=", "*="),
    ("-=", "+="),
    ("*=", "+="),
    ("*=", "/="),
    ("/=", "*="),
    ("|=", "&="),
    ("&=", "|="),
];

fn name(operator: &BinOp) -> &'static str {
    match operator {
        BinOp::Add(_) => "+",
        BinOp::Sub(_) => "-",
        BinOp::Mul(_) => "*",
        BinOp::Div(_) => "/",
        BinOp::Rem(_) => "%",
        BinOp::And(_) => "&&",
        BinOp::Or(_) => "||",
        BinOp::BitXor(_) => "^",
        BinOp::BitAnd(_) => "&",
        BinOp::BitOr(_) => "|",
        BinOp::Shl(_) => "<<",
        BinOp::Shr(_) => ">>",
        BinOp::Eq(_) => "==",
        BinOp::Lt(_) => "<",
        BinOp::Le(_) => "<=",
        BinOp::Ne(_) => "!=",
        BinOp::Ge(_) => ">=",
        BinOp::Gt(_) => ">",
        BinOp::AddAssign(_) => "+=",
        BinOp::SubAssign(_) => "-=",
        BinOp::MulAssign(_) => "*=",
        BinOp::DivAssign(_) => "/=",
        BinOp::BitAndAssign(_) => "&=",
        BinOp::BitOrAssign(_) => "|=",
        _ => "",
    }
}

/// Returns values of a type, as expressions that compile without imports.
fn values(of: &Type) -> Vec<String> {
    let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    match of {
        Type::Tuple(tuple) if tuple.elems.is_empty() => owned(&["()"]),
        Type::Reference(reference) if matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str")) => {
            owned(&[r#""""#])
        }
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return Vec::new() };
            let inner = || match &last.arguments {
                PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
                    Some(GenericArgument::Type(of)) => values(of),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            let wrapped =
                |name: &str| inner().iter().map(|value| format!("{name}({value})")).collect::<Vec<_>>();
            match last.ident.to_string().as_str() {
                "bool" => owned(&["true", "false"]),
                "usize" | "u8" | "u16" | "u32" | "u64" | "u128" | "isize" | "i8" | "i16" | "i32" | "i64" => {
                    owned(&["0", "1"])
                }
                "f32" | "f64" => owned(&["0.0", "1.0"]),
                "String" => owned(&["String::new()"]),
                "Vec" => owned(&["Vec::new()"]),
                "Option" => [owned(&["None"]), wrapped("Some")].concat(),
                "Result" => wrapped("Ok"),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// Returns `true` if a body is nothing but a value, so that replacing it by that value is no mistake.
fn is_value(body: &Block, value: &str) -> bool {
    match &body.stmts[..] {
        [] => value == "()",
        [only] => only.span().source_text().is_some_and(|text| text == value),
        _ => false,
    }
}

/// Returns `true` if code is compiled only sometimes: tests, and what is behind a feature.
fn conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

/// Returns `true` if an operand is a `let` of a condition, which no other expression may contain.
fn has_let(of: &Expr) -> bool {
    match of {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn bytes(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}
