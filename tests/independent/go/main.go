// Go's verifiers over requests that Forwarder sent: each has to hold, and be refused with a changed body.
// `go run . FILE`: one line a verifier, exit 1 where one is not satisfied.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type request struct {
	Scheme  string            `json:"scheme"`
	Keys    []string          `json:"keys"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

func (one request) header() http.Header {
	found := http.Header{}
	for name, value := range one.Headers {
		found.Set(name, value)
	}
	return found
}

func standard(one request, key string, body []byte) error {
	hook, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		return err
	}
	return hook.Verify(body, one.header())
}

// Standard Webhooks 1.0.0: `v1a` is Ed25519 over id.timestamp.body.
func asymmetric(one request, key string, body []byte) error {
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whpk_"))
	if err != nil {
		return err
	}
	content := append([]byte(one.Headers["webhook-id"]+"."+one.Headers["webhook-timestamp"]+"."), body...)
	for _, text := range strings.Split(one.Headers["webhook-signature"], " ") {
		version, written, _ := strings.Cut(text, ",")
		signature, err := base64.StdEncoding.DecodeString(written)
		if version == "v1a" && err == nil && ed25519.Verify(public, content, signature) {
			return nil
		}
	}
	return errors.New("no v1a signature holds")
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	var requests []request
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var one request
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		requests = append(requests, one)
	}
	failed := false
	failed = !run(requests, "standardwebhooks "+versionOf("standard-webhooks"), "whsec_", standard) || failed
	failed = !run(requests, "crypto/ed25519", "whpk_", asymmetric) || failed
	if failed {
		os.Exit(1)
	}
}

func run(requests []request, name, prefix string, check func(request, string, []byte) error) bool {
	held, refused, total := 0, 0, 0
	for _, one := range requests {
		for _, key := range one.Keys {
			if one.Scheme != "standard-webhooks" || !strings.HasPrefix(key, prefix) {
				continue
			}
			total++
			if err := check(one, key, one.Body); err == nil {
				held++
			}
			if check(one, key, append(one.Body[:len(one.Body):len(one.Body)], ' ')) != nil && check(one, key, one.Body[:len(one.Body)-1]) != nil {
				refused++
			}
		}
	}
	ok := total > 0 && held == total && refused == total
	fmt.Printf("go %s, standard-webhooks: %d of %d hold, %d refused with a changed body\n", name, held, total, refused)
	return ok
}

func versionOf(part string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if strings.Contains(module.Path, part) {
			return module.Version
		}
	}
	return ""
}
