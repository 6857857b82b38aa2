# SPDX-License-Identifier: MIT
"""Mutates one C file: all its mutants in one text, each behind a question to the switch.

The places come from clang's syntax tree, so only what is code can change, and a change is made
where it is spelled in the file: what a macro of a header expands to stays as it is, what stands in
a macro's parentheses does not. Each expression keeps its operands once, so that nested mutants
cost no more than themselves:

    a < b   becomes   ({ __auto_type l = +(a); __auto_type r = +(b);
                         mutant_is(7) ? l <= r : mutant_is(8) ? l >= r : l < r; })
"""
import json
import re
import subprocess

COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
               "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "<<": ">>", ">>": "<<"}
ASSIGNMENT = {"+=": "-=", "-=": "+=", "++": "--", "--": "++"}
SEQUENCE = {"seq_lt": ("seq_leq", "seq_geq"), "seq_leq": ("seq_lt", "seq_gt"),
            "seq_gt": ("seq_geq", "seq_leq"), "seq_geq": ("seq_gt", "seq_lt"),
            "seq_in": ("mutant_seq_in_wide", "mutant_seq_not_in"),
            "seq_max": ("seq_min",), "seq_min": ("seq_max",)}
# A table of arcs cannot be asked at run time what it holds: its reader is.
TABLE = "arc"
# Nothing in these is run.
NOT_RUN = {"StaticAssertDecl", "EnumDecl", "RecordDecl", "TypedefDecl", "UnaryExprOrTypeTraitExpr",
           "OffsetOfExpr", "ConstantExpr"}


class Mutant:
    def __init__(self, number, path, line, function, before, after):
        self.number, self.path, self.line, self.function = number, path, line, function
        self.before, self.after = " ".join(before.split()), " ".join(after.split())
        self.ordinal = 1

    def words(self):
        if self.after == "":
            return f"`{self.before}` left out"
        return f"`{self.before}` -> `{self.after}`"

    def key(self):
        ordinal = f" #{self.ordinal}" if self.ordinal > 1 else ""
        return f"{self.path} {self.function}: {self.words()}{ordinal}"


class Point:
    """A range of the text that is replaced; write(sub) gives the new text, sub(b, e) that of a part."""

    def __init__(self, begin, end, write):
        self.begin, self.end, self.write = begin, end, write


class File:
    def __init__(self, path, text, functions, first_number):
        self.path, self.text, self.functions = path, text, functions
        self.next = first_number
        self.mutants, self.points, self.seen = [], [], set()
        self.function, self.returns_bool, self.still = None, False, []

    # ------------------------------------------------------------- places --

    def location(self, loc):
        """Offset of a token spelled in this file, length, and whether a macro begins there."""
        if "expansionLoc" not in loc:
            return (loc["offset"], loc["tokLen"], False) if "offset" in loc else None
        spelled, expanded = loc["spellingLoc"], loc["expansionLoc"]
        if expanded.get("isMacroArgExpansion"):
            call = expanded["offset"]
            inside = self.closing(self.text.index("(", call))
            if "includedFrom" in spelled or not call < spelled.get("offset", -1) < inside:
                return None  # put together of pieces, or another macro's text
            return (spelled["offset"], spelled["tokLen"], False)
        return (expanded["offset"], expanded["tokLen"], True)

    def range_of(self, node):
        """Begin and end of a node in the text, or None if it is not wholly spelled here."""
        begin, end = (self.location(node.get("range", {}).get(side, {})) for side in ("begin", "end"))
        if begin is None or end is None or (begin[2] and end[2] and begin[0] == end[0]):
            return None
        if self.argument(node, "begin") != self.argument(node, "end"):
            return None
        stop = end[0] + end[1]
        if end[2]:
            call = re.compile(r"\s*\(").match(self.text, stop)
            stop = self.closing(call.end() - 1) if call else stop
        return (begin[0], stop) if begin[0] < stop else None

    @staticmethod
    def argument(node, side):
        """The macro call in whose parentheses this side of a node stands."""
        expanded = node["range"][side].get("expansionLoc", {})
        return expanded["offset"] if expanded.get("isMacroArgExpansion") else None

    def closing(self, at):
        depth = 0
        for i in range(at, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[i], 0)
            if depth == 0:
                return i + 1
        raise ValueError(f"{self.path}: unbalanced parentheses")

    def point(self, kind, begin, end, write):
        if (kind, begin, end) not in self.seen:
            self.seen.add((kind, begin, end))
            self.points.append(Point(begin, end, write))

    def mutant(self, at, before, after):
        line = self.text.count("\n", 0, at) + 1
        mutant = Mutant(self.next, self.path, line, self.function, before, after)
        mutant.ordinal += sum(m.key().split(" #")[0] == mutant.key() for m in self.mutants)
        self.mutants.append(mutant)
        self.next += 1
        return mutant.number

    def new(self, kind, span):
        return span is not None and (kind, *span) not in self.seen

    # ---------------------------------------------------------- operators --

    def choose(self, numbers, texts, original):
        return "".join(f"mutant_is({n}) ? {t} : " for n, t in zip(numbers, texts)) + original

    def binary(self, node, others):
        """Comparisons and arithmetic: the same operands, another operator."""
        span, op = self.range_of(node), node["opcode"]
        left, right = (self.range_of(child) for child in node["inner"])
        if not self.new("binary", span) or left is None or right is None:
            return
        source = self.text
        before = source[span[0]:span[1]]
        texts = [f"{source[left[0]:left[1]]} {o} {source[right[0]:right[1]]}" for o in others]
        numbers = [self.mutant(span[0], before, t) for t in texts]
        n = numbers[0]
        plus = ["" if "*" in c["type"]["qualType"] else "+" for c in node["inner"]]

        def write(sub):
            choice = self.choose(numbers, [f"l{n} {o} r{n}" for o in others], f"l{n} {op} r{n}")
            return (f"({{ __auto_type l{n} = {plus[0]}({sub(*left)}); "
                    f"__auto_type r{n} = {plus[1]}({sub(*right)}); {choice}; }})")
        self.point("binary", *span, write)

    def logical(self, node):
        span, op = self.range_of(node), node["opcode"]
        left, right = (self.range_of(child) for child in node["inner"])
        if not self.new("logical", span) or left is None or right is None:
            return
        other = "||" if op == "&&" else "&&"
        source = self.text
        n = self.mutant(span[0], source[span[0]:span[1]],
                        f"{source[left[0]:left[1]]} {other} {source[right[0]:right[1]]}")
        decided = "==" if op == "&&" else "!="
        self.point("logical", *span, lambda sub: (
            f"({{ bool l{n} = !!({sub(*left)}); "
            f"l{n} {decided} mutant_is({n}) ? l{n} : !!({sub(*right)}); }})"))

    def condition(self, node):
        """The leaves of a condition are negated; comparisons have that among their own mutants."""
        kind, inner = node["kind"], node.get("inner", [])
        if kind in ("ImplicitCastExpr", "ParenExpr") or (kind == "UnaryOperator" and
                                                         node["opcode"] == "!"):
            self.condition(inner[0])
        elif kind == "BinaryOperator" and node["opcode"] in ("&&", "||"):
            self.condition(inner[0])
            self.condition(inner[1])
        elif not (kind == "IntegerLiteral" or self.callee(node) in SEQUENCE or
                  (kind == "BinaryOperator" and node["opcode"] in COMPARISONS)):
            span = self.range_of(node)
            if self.new("condition", span):
                text = self.text[span[0]:span[1]]
                n = self.mutant(span[0], text, f"!({text})")
                self.point("condition", *span,
                           lambda sub: f"(mutant_is({n}) != !!({sub(*span)}))")

    @staticmethod
    def callee(node):
        while node["kind"] in ("ImplicitCastExpr", "ParenExpr", "CallExpr") and node.get("inner"):
            node = node["inner"][0]
        return node.get("referencedDecl", {}).get("name") if node["kind"] == "DeclRefExpr" else None

    def sequence(self, node):
        """seq_lt and its kin: the function is chosen, the arguments stay."""
        name = self.callee(node)
        whole, span = self.range_of(node), self.range_of(node["inner"][0])
        if name not in SEQUENCE or whole is None or not self.new("sequence", span):
            return
        text = self.text[span[1]:whole[1]]
        numbers = [self.mutant(span[0], name + text, other.replace("mutant_", "") + text)
                   for other in SEQUENCE[name]]
        self.point("sequence", *span,
                   lambda sub: "(" + self.choose(numbers, SEQUENCE[name], name) + ")")

    def left_out(self, node):
        """A statement that is an assignment, or a call whose result nobody wants."""
        inner = node
        while inner["kind"] in ("CStyleCastExpr", "ParenExpr", "ImplicitCastExpr"):
            inner = inner["inner"][0]
        assigns = inner["kind"] == "CompoundAssignOperator" or \
            (inner["kind"] == "BinaryOperator" and inner["opcode"] == "=") or \
            (inner["kind"] == "UnaryOperator" and inner["opcode"] in ASSIGNMENT)
        span = self.range_of(node)
        if (assigns or inner["kind"] == "CallExpr") and self.new("left out", span):
            n = self.mutant(span[0], self.text[span[0]:span[1]], "")
            self.point("left out", *span,
                       lambda sub: f"(mutant_is({n}) ? (void)0 : (void)({sub(*span)}))")

    def other_direction(self, node):
        span, op = self.range_of(node), node["opcode"]
        if not self.new("direction", span) or "*" in node["type"]["qualType"]:
            return
        text = self.text[span[0]:span[1]]
        if node["kind"] == "UnaryOperator":
            at = span[0] if text.startswith(op) else span[1] - len(op)
        else:
            at = self.text.index(op, self.range_of(node["inner"][0])[1])
        n = self.mutant(span[0], text, self.text[span[0]:at] + ASSIGNMENT[op] +
                        self.text[at + len(op):span[1]])
        self.point("direction", *span, lambda sub: (
            f"(mutant_is({n}) ? ({sub(span[0], at)} {ASSIGNMENT[op]} {sub(at + len(op), span[1])})"
            f" : ({sub(*span)}))"))

    def literal(self, node):
        span = self.range_of(node)
        if not self.new("literal", span):
            return
        text = self.text[span[0]:span[1]]
        if not re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*", text):
            return
        value = int(re.sub(r"[uUlL]+$", "", text), 0)
        digits = hex if text.startswith("0x") else str
        others = [value + 1] + ([value - 1] if value > 0 else [])
        numbers = [self.mutant(span[0], self.around(span, text), self.around(span, digits(o)))
                   for o in others]
        steps = [f"({text}) + 1", f"({text}) - 1"]
        self.point("literal", *span,
                   lambda sub: "(" + self.choose(numbers, steps, text) + ")")

    def around(self, span, replacement):
        """A constant alone says little: give the statement's line with it replaced."""
        begin = max(self.text.rfind(c, 0, span[0]) for c in "\n;{}") + 1
        stops = [self.text.find(c, span[1]) for c in "\n;{"]
        end = min(s for s in stops if s >= 0)
        return self.text[begin:span[0]] + replacement + self.text[span[1]:end]

    def arms(self, node):
        """A case that is not recognised goes where others go: to the default, or past the switch."""
        subject = next(c for c in node["inner"] if c.get("kind", "").endswith(("Expr", "Operator")))
        span = self.range_of(subject)
        labels, default = self.labels(node["inner"][-1])
        if not self.new("switch", span):
            return
        chosen = [(text, self.mutant(at, f"case {text}", "default" if default else "no case"))
                  for text, at, body in labels if body != (default or "break;")]
        if chosen:
            n = chosen[0][1]
            guard = " || ".join(f"(s{n} == ({t}) && mutant_is({m}))" for t, m in chosen)
            self.point("switch", *span, lambda sub: (
                f"({{ __auto_type s{n} = +({sub(*span)}); {guard} ? 0x7ffffff1 : s{n}; }})"))

    def labels(self, body):
        """(label, offset, statements) of each case, and the statements of default."""
        found, pending, default, end = [], [], None, 0
        for child in body.get("inner", []):
            if child["kind"] not in ("CaseStmt", "DefaultStmt"):
                continue
            while child["kind"] in ("CaseStmt", "DefaultStmt"):
                span = self.range_of(child["inner"][0]) if child["kind"] == "CaseStmt" else None
                pending.append((self.text[span[0]:span[1]], span[0]) if span else None)
                child = child["inner"][-1]
            begin = self.range_of(child)[0]
            stop = re.compile(r"\b(?:case|default)\b|\}\s*$", re.M).search(self.text, begin)
            end = stop.start() if stop else len(self.text)
            text = " ".join(self.text[begin:end].split())
            for label in pending:
                if label is None:
                    default = text
                else:
                    found.append((*label, text))
            pending = []
        return found, default

    def early_return(self, node):
        span = self.range_of(node)
        if self.new("return", span):
            end = self.text.index(";", span[1]) + 1
            n = self.mutant(span[0], "return;", "")
            self.mutants[-1].before = "return; after " + self.previous_line(span[0])
            self.point("return", span[0], end, lambda sub: f"{{ if (!mutant_is({n})) return; }}")

    def previous_line(self, at):
        """A return needs its company to be told from others."""
        lines = [re.sub(r"/\*.*?\*/", "", line).strip() for line in self.text[:at].split("\n")[-6:]]
        return next(line for line in reversed(lines) if line and not line.startswith("return"))

    # ---------------------------------------------------------------- walk --

    def statement(self, node):
        """The parts of a statement that are statements themselves."""
        kind, inner = node["kind"], node.get("inner", [])
        if kind == "CompoundStmt":
            parts = inner
        elif kind == "IfStmt":
            parts = inner[1:]
        elif kind in ("ForStmt", "WhileStmt", "CaseStmt", "DefaultStmt"):
            parts = inner[-1:]
        else:
            parts = []
        for part in parts:
            if part.get("kind"):
                self.left_out(part)

    def walk(self, node):
        kind, inner = node.get("kind"), node.get("inner", [])
        if kind is None or kind in NOT_RUN:
            return
        if kind == "VarDecl" and node.get("storageClass") == "static":
            return
        self.statement(node)
        if kind in ("IfStmt", "ConditionalOperator", "WhileStmt"):
            self.condition(inner[0])
        elif kind == "ForStmt" and inner[2].get("kind"):
            self.condition(inner[2])
        elif kind == "DoStmt":
            self.condition(inner[1])
        elif kind == "VarDecl" and node["type"]["qualType"] in ("bool", "_Bool") and inner:
            self.condition(inner[-1])
        elif kind == "ReturnStmt":
            if not inner:
                self.early_return(node)
            elif self.returns_bool:
                self.condition(inner[0])
        elif kind == "SwitchStmt":
            self.arms(node)
        elif kind == "CallExpr":
            self.sequence(node)
        elif kind == "IntegerLiteral":
            self.literal(node)
        elif kind == "CompoundAssignOperator" and node["opcode"] in ASSIGNMENT:
            self.other_direction(node)
        elif kind == "UnaryOperator" and node["opcode"] in ASSIGNMENT:
            self.other_direction(node)
        elif kind == "BinaryOperator":
            self.operator(node)
        if kind == "ForStmt":
            inner = inner[:3] + inner[4:]  # a loop that does not move on hangs, and teaches nothing
        for child in inner:
            self.walk(child)

    def operator(self, node):
        op = node["opcode"]
        pointers = any("*" in c["type"]["qualType"] for c in node["inner"])
        if op in ("&&", "||"):
            self.logical(node)
            self.condition(node)
        elif op in COMPARISONS:
            self.binary(node, COMPARISONS[op])
        elif op in ARITHMETIC and not pointers:
            self.binary(node, (ARITHMETIC[op],))

    # ---------------------------------------------------------------- text --

    def tokens(self, begin, end):
        """What the syntax tree shows only expanded: MIN, MAX, true, false, constants of this file."""
        constants = dict(re.findall(r"^#define (\w+) (.+)$", self.text, re.M))
        wanted = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"])*\"|\b(?:case [^:]*:|static [^;]*;|(MIN|MAX)\(|"
                            r"(true|false)\b|([A-Z][A-Z0-9_]+)\b)", re.S)
        for match in wanted.finditer(self.text, begin, end):
            at, name = match.span(), match.group()
            if match.group(1):
                other = {"MIN": "MAX", "MAX": "MIN"}[match.group(1)]
                tail = self.text[at[1]:self.closing(at[1] - 1)]
                n = self.mutant(at[0], f"{name}{tail}", f"{other}({tail}")
                self.point("token", *at, lambda sub, n=n, name=name: f"MUTANT_{name}{n}, ")
            elif match.group(2):
                other = "false" if name == "true" else "true"
                n = self.mutant(at[0], self.around(at, name), self.around(at, other))
                self.point("token", *at, lambda sub, n=n, name=name: f"(mutant_is({n}) != {name})")
            elif match.group(3) in constants:
                self.constant(at, name, constants[name])

    def constant(self, at, name, value):
        value = re.sub(r"/\*.*?\*/", "", value).strip()
        if re.fullmatch(r"\(?[0-9]+[uUlL]*\)?", value):
            steps = ["+ 1", "- 1"]
        elif re.fullmatch(r"\([0-9A-Z_ *]+\)", value):
            steps = ["* 2", "/ 2"]
        else:
            return
        numbers = [self.mutant(at[0], self.around(at, name), self.around(at, f"({name} {step})"))
                   for step in steps]
        self.point("token", *at, lambda sub: "(" + self.choose(
            numbers, [f"({name}) {step}" for step in steps], name) + ")")

    def table(self):
        """Each arc is taken away, and led to the next state of the list instead."""
        table = re.search(rf"^static const uint8_t {TABLE}\[.*?^\}};$", self.text, re.S | re.M)
        if table is None:
            return
        states = re.findall(r"^    \[(WH_\w+)\] = \{", table.group(), re.M)
        cells = []
        for row in re.finditer(r"^    \[(WH_\w+)\] = \{(.*?)\}", table.group(), re.S | re.M):
            for cell in re.finditer(r"\[(WH_\w+)\] = TO\((\w+)\)", row.group(2)):
                at = table.start() + row.start(2) + cell.start()
                target = "WH_" + cell.group(2)
                instead = states[(states.index(target) + 1) % len(states)]
                name = f"[{row.group(1)}][{cell.group(1)}]"
                self.function = TABLE
                gone = self.mutant(at, f"{name} = {target}", f"{name} = nothing")
                led = self.mutant(at, f"{name} = {target}", f"{name} = {instead}")
                cells.append(f"    if (from == {row.group(1)} && event == {cell.group(1)}) {{"
                             f" if (mutant_is({gone})) return 0;"
                             f" if (mutant_is({led})) return {instead} + 1; }}")
        text = f"static uint8_t mutant_{TABLE}(unsigned from, unsigned event)\n{{\n" + \
            "\n".join(cells) + f"\n    return {TABLE}[from][event];\n}}\n"
        self.point("table", table.end(), table.end(), lambda sub: "\n" + text)
        for use in re.finditer(rf"\b{TABLE}\[(\w+)\]\[(\w+)\]", self.text[table.end():]):
            begin, end = (table.end() + o for o in use.span())
            self.point("table", begin, end, lambda sub, use=use:
                       f"mutant_{TABLE}({use.group(1)}, {use.group(2)})")

    # -------------------------------------------------------------- output --

    def render(self, begin, end, points):
        out, at, i = [], begin, 0
        while i < len(points):
            point = points[i]
            inner = [p for p in points[i + 1:] if p.begin < point.end]
            if any(p.end > point.end for p in inner):
                raise ValueError(f"{self.path}: mutants overlap: {[self.text[p.begin:p.end] for p in [point, *inner]]}")

            def sub(b, e, inner=inner):
                return self.render(b, e, [p for p in inner if b <= p.begin and p.end <= e])
            out += [self.text[at:point.begin], point.write(sub)]
            at = point.end
            i += 1 + len(inner)
        return "".join(out) + self.text[at:end]

    def mutate(self, tree):
        self.table()
        for node in tree["inner"]:
            body = [c for c in node.get("inner", []) if c["kind"] == "CompoundStmt"]
            here = "includedFrom" not in node["loc"] and "expansionLoc" not in node["loc"]
            if node["kind"] != "FunctionDecl" or not body or not here:
                continue
            if self.functions and node["name"] not in self.functions:
                continue
            self.function = node["name"]
            self.returns_bool = node["type"]["qualType"].startswith(("_Bool (", "bool ("))
            self.walk(body[0])
            self.tokens(*self.range_of(body[0]))
        # Outer before inner; of two with one range, that which wraps before that which takes apart.
        order = {id(p): i for i, p in enumerate(self.points)}
        self.points.sort(key=lambda p: (p.begin, -p.end, order[id(p)]))
        return '#include "base/mutants.h"\n#line 1\n' + self.render(0, len(self.text), self.points)


def mutate(path, functions, first_number):
    """The mutants of a file and its mutated text."""
    with open(path, encoding="latin-1") as source:
        file = File(path, source.read(), functions, first_number)
    tree = subprocess.run(["clang", "-std=c11", "-Iinclude", "-Isrc", "-fsyntax-only", "-Xclang",
                           "-ast-dump=json", path], check=True, stdout=subprocess.PIPE).stdout
    text = file.mutate(json.loads(tree))
    missing = set(functions) - {m.function for m in file.mutants}
    if missing:
        raise ValueError(f"{path} has no function {', '.join(sorted(missing))}")
    return file.mutants, text
