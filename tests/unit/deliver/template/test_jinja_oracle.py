"""Jinja templates against Jinja itself: the same text, for everything that both have."""

from __future__ import annotations

import jinja2
import pytest

from tests.unit.deliver.template.make import DATA, render

TABLE = (
    "plain",
    "a\u2028b\u0085c\x0cd\r\ne {{ data.name }}\r f\n",
    "{{ data.name }} {{ data['name'] }} {{ data.user.tags[0] }} {{ data.list[-1] }}",
    "a {{- data.name -}} b {#- gone -#} c",
    "{% raw %}{{ not this }}{% endraw %}",
    "{% if data.n > 4 %}more{% elif data.n == 4 %}four{% else %}less{% endif %}",
    "{% if data.yes and not data.no or data.empty %}yes{% endif %}",
    "{% for x in data.list %}{{ loop.index }}/{{ loop.length }}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in data.none %}x{% else %}none{% endfor %}",
    "{% for k, v in data.map.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in data.map %}{{ k }}{% endfor %}",
    "{% for x in data.numbers if x > 1 %}{{ x }}{{ loop.first }}{% endfor %}",
    "{% for r in data.rows %}{% for n in data.numbers %}{{ r.k }}{{ n }} {% endfor %}{% endfor %}",
    "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 1, -2) %}{{ i }}{% endfor %}",
    "{% set x = data.n + 1 %}{{ x }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set ns = namespace(n=0) %}{% for x in data.numbers %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}",
    "{% for i in [1, 2] %}{% if i == 1 %}{% set x = 5 %}{% endif %}{{ x | default('none') }}{% endfor %}",
    "{% with a = 1, b = data.name %}{{ a }}{{ b }}{% endwith %}",
    "{{ 'yes' if data.yes else 'no' }} {{ data.name if data.no else 'other' }}",
    "{{ 1 + 2 * 3 - 4 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 10 }} {{ -data.n }} {{ 'ab' * 2 }}",
    "{{ data.name ~ '-' ~ data.n }} {{ 'a' + 'b' }} {{ [1] + [2] }}",
    "{{ 1 < 2 < 3 }} {{ 'a' in data.map }} {{ 'x' not in data.list }} {{ 'an' in data.name }} {{ 1 == 1.0 }}",
    "{{ data.name | upper }} {{ 'ABC' | lower }} {{ 'abc def' | title }} {{ 'aBC' | capitalize }} {{ '  x ' | trim }}",
    "{{ data.nothere | default('d') }} {{ data.empty | default('d', true) }} {{ data.name | d('x') }}",
    "{{ data.list | join(', ') }} {{ data.rows | join('-', attribute='k') }} {{ data.list | length }} {{ data.name | count }}",
    "{{ data.list | first }} {{ data.list | last }} {{ data.numbers | min }} {{ data.numbers | max }} {{ data.numbers | sum }}",
    "{{ data.numbers | sort }} {{ data.numbers | sort(reverse=true) }}",
    "{{ data.list | reverse | list }} {{ [1, 1, 2] | unique | list }}",
    "{{ data.rows | map(attribute='k') | list | join }} {{ data.rows | sum(attribute='v') }}",
    "{{ (data.rows | selectattr('v', 'gt', 1) | list)[0].k }} {{ data.rows | rejectattr('k', 'equalto', 'b') | list | length }}",
    "{{ 'a-b-c' | replace('-', '+') }} {{ 'a,b'.split(',')[1] }} {{ data.name.upper() }} {{ ' x '.strip() }}",
    "{{ '42' | int + 1 }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ 3.7 | round | int }} {{ 3.14159 | round(2) }} {{ -3 | abs }}",
    "{{ data.name[1:3] }} {{ data.list[:2] }} {{ data.numbers[::-1] }}",
    "{{ data.x is defined }} {{ data.name is defined }} {{ data.x is undefined }} {{ none is none }} {{ data.n is number }}",
    "{{ data.name is string }} {{ data.map is mapping }} {{ data.list is sequence }} {{ 3 is odd }} {{ 4 is even }}",
    "{{ 6 is divisibleby(3) }}",
    "{{ data.n is in([4, 5]) }} {{ data.n is eq(5) }} {{ data.yes is true }} {{ data.name.startswith('ja') }}",
    "{{ 'a/b?c' | urlencode | replace('/', '%2F') }} {{ 'l1\nl2' | indent(2) }}",
    "{{ {'a': 1}['a'] }} {{ {'a': 1}.get('b', 'none') }} {{ (1, 2)[0] }}",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{% endfor %}",
    "{%- for x in data.list -%}\n {{ x }} \n{%- endfor -%}\n end\n",
    "line\n{% if data.yes %}\n in\n{% endif %}\nend\n",
    "{{ data.quote }} {{ data.quote | tojson }}",
)
"""Values are texts and numbers: what Python writes as True, None or ['a'], a template here writes as JSON does."""


@pytest.mark.parametrize("template", TABLE)
def test_a_template_gives_what_jinja_gives(template: str) -> None:
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False, finalize=_as_json)
    assert render(template) == environment.from_string(template).render(data=DATA)


def _as_json(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        f"[{','.join(map(str, value))}]".replace("'", '"')
        if isinstance(value, list) and not _texts(value)
        else _quoted(value)
    )


def _texts(value: list[object]) -> bool:
    return any(isinstance(item, str) for item in value)


def _quoted(value: object) -> object:
    return "[" + ",".join(f'"{item}"' for item in value) + "]" if isinstance(value, list) else value
