package blubbel_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"trunkline/blubbel"
)

// verbs is everything that fmt knows, and flags that change how it prints.
func verbs() []string {
	var out []string
	for _, flag := range []string{"", "+", "#", "-", " ", "0", "20", ".5"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			out = append(out, "%"+flag+string(verb))
		}
	}
	return out
}

// traces are the ways in which a number could show in text.
func traces(n *big.Int) []string {
	b := n.Bytes()
	return []string{
		n.String()[:12], n.Text(16)[:12], strings.ToUpper(n.Text(16)[:12]), n.Text(8)[:12], n.Text(2)[:24],
		string(b[:8]), fmt.Sprint(b[:6])[1:20], hex.EncodeToString(b[:6]),
	}
}

func finds(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s shows the secret: %.200q", what, text)
		}
	}
}

// shown prints v in every way that a log, an error or a document could.
func shown(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range verbs() {
		out[verb] = fmt.Sprintf(verb, v)
		out["wrapped "+verb] = fmt.Errorf("key "+strings.ReplaceAll(verb, "w", "v"), v).Error()
	}
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("login", "key", v, slog.Group("g", "key", v))
	slog.New(slog.NewJSONHandler(&js, nil)).Info("login", "key", v, slog.Group("g", "key", v))
	out["slog text"], out["slog json"] = text.String(), js.String()
	if b, err := json.Marshal(v); err == nil {
		out["json"] = string(b)
	}
	return out
}

func TestSecretKeyIsUnprintable(t *testing.T) {
	for name, k := range recordedKeys(t) {
		key := rsaOf(t, k)
		secrets := append(append(traces(key.D), traces(key.Primes[0])...), traces(key.Primes[1])...)
		type config struct {
			Name string
			Key  *blubbel.SecretKey
		}
		type hidden struct{ key *blubbel.SecretKey }
		for what, v := range map[string]any{
			"key":      k,
			"copy":     *k,
			"struct":   config{"a", k},
			"pointer":  &config{"a", k},
			"hidden":   hidden{k},
			"slice":    []*blubbel.SecretKey{k},
			"map":      map[string]any{"key": k},
			"any":      []any{k, *k},
			"function": k.Public,
		} {
			for how, text := range shown(t, v) {
				finds(t, name+" bits, "+what+" with "+how, text, secrets)
			}
		}
		if got := k.String() + k.GoString(); strings.Count(got, "blubbel secret key") != 2 {
			t.Errorf("%s bits: prints as %q", name, got)
		}
	}
}

func TestSecretKeyInJSONIsAPlaceholder(t *testing.T) {
	b, err := json.Marshal(map[string]any{"key": recordedKeys(t)["2048"]})
	if got, want := string(b), `{"key":"blubbel secret key"}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// Who reads the proof of an open challenge in a log could answer it.
func TestProofOfAChallengeIsUnprintable(t *testing.T) {
	k := recordedKeys(t)["2048"]
	c, err := blubbel.NewChallenge(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := k.Prove(c.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	secrets := traces(new(big.Int).SetBytes(proof[:]))
	type login struct {
		Challenge *blubbel.Challenge
	}
	for what, v := range map[string]any{"challenge": c, "copy": *c, "struct": login{c}, "slice": []any{c, *c}} {
		for how, text := range shown(t, v) {
			finds(t, what+" with "+how, text, secrets)
		}
	}
}

func TestPublicKeyIsLoggedShort(t *testing.T) {
	k := recordedKeys(t)["2048"].Public()
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("login", "peer", k)
	if got := b.String(); !strings.Contains(got, k.Short()) || strings.Contains(got, k.String()[:40]) {
		t.Errorf("logged as %q", got)
	}
}
