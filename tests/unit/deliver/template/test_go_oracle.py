"""Go templates against Go's own text/template, where Go is installed: the same text, and errors where Go has errors."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forwarder.deliver.template.tree import RenderError, TemplateError
from tests.unit.deliver.template.make import DATA, render

ORACLE = Path(__file__).parents[3] / "support" / "gotemplate" / "main.go"

TABLE = (
    "plain",
    "{{.data.name}}",
    "{{ .data.name }} and {{.data.user.name}}",
    "a {{- .data.name -}} b",
    "a \n\t{{- /* a comment */ -}} \n b",
    "{{/* alone */}}x",
    "x{{- 3}}y {{-3}} z",
    "{{-\n3\n-}}  q",
    "{{.data.n}} {{.data.f}} {{.data.yes}} {{.data.minus}} {{.data.big}}",
    '{{if eq .data.status "violated"}}V{{else if eq .data.status "resolved"}}R{{else}}?{{end}}',
    '{{if eq .data.status "other" "violated"}}one of{{end}}',
    '{{if ne .data.status "violated"}}ne{{else}}same{{end}}',
    "{{if lt .data.n 6}}lt{{end}}{{if le .data.n 5}}le{{end}}{{if gt .data.n 4}}gt{{end}}{{if ge .data.n 6}}ge{{end}}",
    '{{lt "a" "b"}} {{eq 1 1}} {{eq true false}} {{ge 2.5 2.5}}',
    "{{if .data.empty}}yes{{else}}empty{{end}}{{if .data.list}}list{{end}}{{if .data.none}}no{{else}}none{{end}}",
    "{{if .data.nomap}}x{{else}}nomap{{end}}{{if .data.no}}x{{else}}false{{end}}{{if not .data.no}}not{{end}}",
    '{{and .data.yes .data.name}} {{and .data.no .data.name}} {{or .data.empty "else"}} {{or .data.name "else"}}',
    "{{and 1 0 2}} {{or 0 3 4}} {{not 0}}",
    "{{range .data.list}}[{{.}}]{{end}}",
    "{{range $i, $x := .data.list}}{{if $i}}, {{end}}{{$i}}={{$x}}{{end}}",
    "{{range $x := .data.list}}{{$x}}{{$.data.name}} {{end}}",
    "{{range .data.none}}x{{else}}nothing{{end}}",
    "{{range $k, $v := .data.map}}{{$k}}{{$v}};{{end}}",
    "{{range .data.rows}}{{.k}}:{{.v}} {{end}}",
    "{{range .data.rows}}{{range $.data.numbers}}{{.}}{{end}}|{{end}}",
    "{{range 3}}{{.}}{{end}}",
    "{{with .data.user}}{{.name}} of {{$.data.name}}{{end}}",
    "{{with .data.empty}}x{{else}}none{{end}}",
    "{{with .data.empty}}x{{else with .data.name}}{{.}}{{end}}",
    "{{with $u := .data.user}}{{$u.name}}{{.name}}{{end}}",
    "{{$x := .data.name}}{{$x}}{{$x = 3}}{{$x}}",
    "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}",
    "{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}",
    "{{$last := 0}}{{range .data.numbers}}{{$last = .}}{{end}}{{$last}}",
    "{{if $n := .data.n}}{{$n}}{{else}}{{$n}}{{end}}",
    '{{"text" | upper}} {{.data.name | upper | lower | printf "%s!"}}',
    "{{(.data.user).name}} {{(index .data.rows 1).k}}",
    '{{index .data.list 1}} {{index .data.map "a"}} {{index .data.rows 0 "k"}}',
    '{{len .data.list}} {{len .data.name}} {{len .data.map}} {{len "é"}}',
    '{{printf "%d %5d|%-5d|%05d %x %X" 7 7 7 7 255 255}}',
    '{{printf "%s %q %v %t %5s|%-5s| 100%%" "a" "b\\"c" .data.n true "r" "l"}}',
    '{{printf "%.2f %6.1f %e %g" 3.14159 2.5 12345.678 0.5}}',
    '{{print "a" 1 2 "b"}} {{print 1 2}} {{println "x" 1}}',
    '{{slice "abcdef" 1 3}} {{slice .data.name 1}}',
    '{{urlquery "a/b?c=d&e"}}',
    '{{`raw \\n text`}} {{"tab\\tquote\\"\\u00e9\\x41"}} {{\'a\'}} {{0x1F}} {{1_000}} {{1e3}} {{-5}} {{.5}}',
    "{{true}} {{not true}} {{eq (len .data.list) 3}}",
    "{{ .data.spaced | trim }}",
    "{{eq .data.name .data.user.name}}",
    "a\r\n{{- .data.name}}\r\nb",
    "}} {{.data.name}} }",
    # errors
    "{{.data.name",
    "{{if .data.name}}x",
    "{{end}}",
    "{{else}}",
    "{{if}}x{{end}}",
    "{{range .data.list}}x{{else}}y{{else}}z{{end}}",
    "{{nofunction .data.name}}",
    "{{.data.name 3}}",
    '{{"a" | "b"}}',
    "{{$undeclared}}",
    "{{(.data.name}}",
    '{{"open}}',
    "{{eq}}",
    "{{not 1 2}}",
    "{{upper}}",
    '{{"\\q"}}',
    "{{.data.nothere}}",
    "{{.data.user.nothere}}",
    "{{range .data.n2}}x{{end}}",
    '{{range "text"}}x{{end}}',
    '{{lt "a" 1}}',
    '{{printf "%d"}}{{slice .data.name 3 99}}',
    "{{range $a, $b, $c := .data.list}}x{{end}}",
    "{{if true}}{{$x := 1}}{{end}}{{$x}}",
    "{{/* comment */ .data.name}}",
)
"""Every clause of the syntax that both have. Where they differ on purpose is in docs/templates.md."""


def ours(template: str) -> str:
    try:
        return render(template, "go")
    except TemplateError:
        return "error: parse"
    except RenderError:
        return "error: render"


@pytest.fixture(scope="module")
def goes() -> dict[str, str]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("GO IS NOT INSTALLED: Go templates were not compared with Go's own")
    document = json.dumps([{"t": template, "d": {"data": DATA}} for template in TABLE])
    run = subprocess.run([go, "run", str(ORACLE)], input=document, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stderr
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return {t: f"error: {one['err']}" if one["err"] else one["out"] for t, one in zip(TABLE, found, strict=True)}


@pytest.mark.parametrize("template", TABLE)
def test_a_template_gives_what_go_gives(template: str, goes: dict[str, str]) -> None:
    expected, found = goes[template], ours(template)
    if expected.startswith("error:"):
        assert found.startswith("error:"), f"Go has an error ({expected})"
    else:
        assert found == expected
