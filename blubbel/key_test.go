package blubbel_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"trunkline/blubbel"
)

// A recorded key pair, and what was sealed to it.
type recorded struct {
	Name   string `json:"name"`
	Secret string `json:"secret_key"`
	Key    string `json:"key"`
	Reject string `json:"reject"`
}

// recordedKeys reads the key pairs of the vectors by their size in bits.
func recordedKeys(t testing.TB) map[string]*blubbel.SecretKey {
	t.Helper()
	text, err := os.ReadFile("wire/testdata/blubbel/login.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []recorded `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	keys := map[string]*blubbel.SecretKey{}
	for _, c := range file.Cases {
		if c.Reject != "" {
			continue
		}
		k, err := blubbel.ParseSecretKey([]byte(c.Secret))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		keys[strings.TrimPrefix(c.Name, "login-")] = k
	}
	if len(keys) < 5 {
		t.Fatalf("only %d recorded keys", len(keys))
	}
	return keys
}

func TestRawKeyIsAnOddModulusOf1024Bits(t *testing.T) {
	good := slices.Repeat([]byte{0xff}, 128)
	if _, err := blubbel.ParsePublicKey(good); err != nil {
		t.Errorf("2^1024-1 refused: %v", err)
	}
	for first := range 256 {
		for _, last := range []byte{0x00, 0x01, 0xfe, 0xff} {
			b := bytes.Clone(good)
			b[0], b[127] = byte(first), last
			_, err := blubbel.ParsePublicKey(b)
			if want := first >= 0x80 && last&1 == 1; (err == nil) != want {
				t.Errorf("first byte %02x, last %02x: got error %v, want a key: %v", first, last, err, want)
			}
		}
	}
}

func TestKeyOfEveryOtherLengthIsRefused(t *testing.T) {
	der := recordedKeys(t)["4096"].Public().Bytes()
	for n := range 1200 {
		b := slices.Repeat([]byte{0x81}, n)
		copy(b, der)
		_, err := blubbel.ParsePublicKey(b)
		if n == len(der) && err != nil {
			t.Errorf("the whole key is refused: %v", err)
		}
		if n != len(der) && !errors.Is(err, blubbel.ErrBadKey) {
			t.Errorf("%d bytes of a key of %d: got error %v", n, len(der), err)
		}
	}
}

// TestAnyChangedByteAroundTheModulusIsRefused changes each byte of a DER key
// that is not modulus to each other value: nothing but the one encoding passes.
func TestAnyChangedByteAroundTheModulusIsRefused(t *testing.T) {
	t.Parallel()
	der := recordedKeys(t)["2048"].Public().Bytes()
	start := bytes.LastIndex(der[:40], []byte{0x02, 0x82, 0x01, 0x01, 0x00}) + 5
	if start < 5 {
		t.Fatal("modulus not found")
	}
	for i := range der {
		if i >= start && i < start+256 {
			continue
		}
		for v := range 256 {
			b := bytes.Clone(der)
			b[i] = byte(v)
			_, err := blubbel.ParsePublicKey(b)
			if changed := der[i] != byte(v); (err != nil) != changed {
				t.Errorf("byte %d from %02x to %02x: got error %v", i, der[i], v, err)
			}
		}
	}
}

func TestKeyFormTellsItsSize(t *testing.T) {
	keys := recordedKeys(t)
	for _, name := range []string{"1024", "2048", "2056", "3072", "4096"} {
		k := keys[name].Public()
		b := k.Append([]byte("before"))[6:]
		for _, tail := range []int{0, 1, 1000} {
			if got := blubbel.KeySize(append(bytes.Clone(b), make([]byte, tail)...)); got != k.Len() {
				t.Errorf("%s bits before %d bytes: got size %d, want %d", name, tail, got, k.Len())
			}
		}
		if got := blubbel.KeySize(b[:blubbel.DERHeadSize]); got != k.Len() {
			t.Errorf("%s bits, head alone: got size %d, want %d", name, got, k.Len())
		}
	}
	if got := blubbel.KeySize(nil); got != blubbel.RawKeySize {
		t.Errorf("no bytes: got size %d, want that of a raw key", got)
	}
}

func TestFormsHaveTheirNames(t *testing.T) {
	keys := recordedKeys(t)
	for want, form := range map[string]blubbel.Form{
		"raw": keys["1024"].Public().Form(), "der": keys["2048"].Public().Form(), "none": blubbel.PublicKey{}.Form(),
	} {
		if got := form.String(); got != want {
			t.Errorf("got form %q, want %q", got, want)
		}
	}
}

func TestTextFormIsReadBackAndNothingElse(t *testing.T) {
	for name, secret := range recordedKeys(t) {
		k := secret.Public()
		var again blubbel.PublicKey
		if err := again.UnmarshalText([]byte(k.String())); err != nil || again != k {
			t.Errorf("%s: read back as %v: %v", name, again.Short(), err)
		}
		text := k.String()
		for _, bad := range []string{
			text + "=", text + "==", text[:len(text)-1], text + "A", strings.ToUpper(text), text[8:],
			text[:50] + "\n" + text[50:], text[:50] + "\r\n" + text[50:], text[:50] + " " + text[50:],
			strings.Replace(text, ":", "", 1), "blubbel:" + text, text + text[8:], text + "\x00",
		} {
			before := again
			if err := again.UnmarshalText([]byte(bad)); !errors.Is(err, blubbel.ErrBadKey) {
				t.Errorf("%s: %.80q: got error %v", name, bad, err)
			}
			if again != before {
				t.Errorf("%s: a refused text changed the key", name)
			}
		}
	}
}

// What people paste has blanks around it.
func TestTextFormMayHaveBlanksAroundIt(t *testing.T) {
	k := recordedKeys(t)["2048"].Public()
	if got, err := blubbel.ParseText(" \t" + k.String() + "\r\n"); err != nil || got != k {
		t.Errorf("got %v, %v", got.Short(), err)
	}
}

func TestFingerprintIsTenGroupsOfFour(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{4}( [0-9a-f]{4}){9}$`)
	seen := map[string]bool{}
	for name, secret := range recordedKeys(t) {
		f := secret.Public().Fingerprint()
		if !shape.MatchString(f) {
			t.Errorf("%s: got fingerprint %q", name, f)
		}
		if !strings.HasPrefix(f, secret.Public().Short()) || len(secret.Public().Short()) != 9 {
			t.Errorf("%s: %q does not begin with %q", name, f, secret.Public().Short())
		}
		seen[f] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d fingerprints of 5 keys", len(seen))
	}
}

func TestNoKeyIsEmptyEverywhere(t *testing.T) {
	var k blubbel.PublicKey
	if !k.IsZero() || k.String() != "" || k.Short() != "" || k.Len() != 0 || len(k.Bytes()) != 0 || k.LogValue().String() != "" {
		t.Errorf("the zero key shows as %q %q of %d bytes", k.String(), k.Short(), k.Len())
	}
	if recordedKeys(t)["1024"].Public().IsZero() {
		t.Error("a key is zero")
	}
}

func TestKeysOrderBytewise(t *testing.T) {
	keys := recordedKeys(t)
	a, b := keys["1024"].Public(), keys["2048"].Public()
	want := bytes.Compare(a.Bytes(), b.Bytes())
	if a.Compare(b) != want || b.Compare(a) != -want || a.Compare(a) != 0 {
		t.Errorf("got %d, %d, %d, want %d, %d, 0", a.Compare(b), b.Compare(a), a.Compare(a), want, -want)
	}
}

func TestBytesOfAKeyAreTheCallers(t *testing.T) {
	k := recordedKeys(t)["2048"].Public()
	before := k.String()
	k.Bytes()[30] ^= 0xff
	if k.String() != before {
		t.Error("writing to what Bytes returned changed the key")
	}
	b := k.Bytes()
	parsed, err := blubbel.ParsePublicKey(b)
	b[30] ^= 0xff
	if err != nil || parsed != k {
		t.Error("writing to what was parsed changed the key")
	}
}

func TestGeneratedKeysHaveTheirForm(t *testing.T) {
	t.Parallel()
	for form, size := range map[blubbel.Form]int{blubbel.Raw: 128, blubbel.DER: 422} {
		k, err := blubbel.GenerateKey(form)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Public(); got.Form() != form || got.Len() != size {
			t.Errorf("got form %v of %d bytes, want %v of %d", got.Form(), got.Len(), form, size)
		}
		if _, err := blubbel.ParsePublicKey(k.Public().Bytes()); err != nil {
			t.Errorf("%v: its own public key is refused: %v", form, err)
		}
	}
}

func TestKeysThatTheProtocolDoesNotHaveAreRefused(t *testing.T) {
	key := func(bits uint, e int) *rsa.PrivateKey {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n.SetBit(n, 0, 1), E: e}}
	}
	for name, k := range map[string]*rsa.PrivateKey{
		"exponent 3":   key(2048, 3),
		"1536 bits":    key(1536, 65537),
		"2047 bits":    key(2047, 65537),
		"4104 bits":    key(4104, 65537),
		"1023 bits":    key(1023, 65537),
		"1024 bits, 3": key(1024, 3),
	} {
		if _, err := blubbel.NewSecretKey(k); !errors.Is(err, blubbel.ErrBadKey) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestPEMIsReadBack(t *testing.T) {
	for name, k := range recordedKeys(t) {
		text, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := blubbel.ParseSecretKey(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again.Public() != k.Public() {
			t.Errorf("%s: another public key after reading", name)
		}
		second, err := again.PEM()
		if err != nil || !bytes.Equal(text, second) {
			t.Errorf("%s: written differently the second time: %v", name, err)
		}
	}
}

func TestBadPEMIsRefusedWithoutQuotingIt(t *testing.T) {
	good, err := recordedKeys(t)["2048"].PEM()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(good), "\n")
	body := strings.Join(lines[1:len(lines)-2], "\n")
	for name, text := range map[string]string{
		"empty":          "",
		"no PEM":         body,
		"another type":   strings.ReplaceAll(string(good), "PRIVATE KEY", "RSA PRIVATE KEY"),
		"public type":    strings.ReplaceAll(string(good), "PRIVATE KEY", "PUBLIC KEY"),
		"cut":            string(good[:len(good)/2]),
		"line missing":   strings.Join(slices.Delete(slices.Clone(lines), 3, 4), "\n"),
		"elliptic curve": ecKey,
		"empty block":    "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	} {
		_, err := blubbel.ParseSecretKey([]byte(text))
		if !errors.Is(err, blubbel.ErrBadKey) {
			t.Errorf("%s: got error %v", name, err)
		} else if strings.Contains(err.Error(), lines[3][:16]) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

const ecKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
`

func TestPublicKeyOfAnyRSALibraryIsAccepted(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{2048, 2056} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := blubbel.NewSecretKey(k)
		if err != nil {
			t.Fatalf("%d bits: %v", bits, err)
		}
		if got := secret.Public().Len(); got != 38+bits/8 {
			t.Errorf("%d bits: got %d bytes", bits, got)
		}
	}
}
