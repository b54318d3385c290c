// Renders a table of templates with Go's own text/template, for comparison. Reads JSON from standard input: [{"t": template, "d":
// data}], writes [{"out": text, "err": text}]. Numbers without a fraction are whole numbers, as they are in Forwarder.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type one struct {
	T string `json:"t"`
	D any    `json:"d"`
}

type result struct {
	Out string `json:"out"`
	Err string `json:"err"`
}

func whole(value any) any {
	switch held := value.(type) {
	case json.Number:
		if number, err := held.Int64(); err == nil {
			return int(number)
		}
		number, _ := held.Float64()
		return number
	case map[string]any:
		for key, item := range held {
			held[key] = whole(item)
		}
	case []any:
		for at, item := range held {
			held[at] = whole(item)
		}
	}
	return value
}

func render(given one) result {
	functions := template.FuncMap{"upper": strings.ToUpper, "lower": strings.ToLower, "trim": strings.TrimSpace}
	made, err := template.New("t").Funcs(functions).Option("missingkey=error").Parse(given.T)
	if err != nil {
		return result{Err: "parse"}
	}
	var out bytes.Buffer
	if err := made.Execute(&out, whole(given.D)); err != nil {
		return result{Err: "render"}
	}
	return result{Out: out.String()}
}

func main() {
	var table []one
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	if err := decoder.Decode(&table); err != nil {
		panic(err)
	}
	found := make([]result, len(table))
	for at, given := range table {
		found[at] = render(given)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
