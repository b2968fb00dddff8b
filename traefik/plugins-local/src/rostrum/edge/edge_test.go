package edge

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(t *testing.T, config *Config, next http.HandlerFunc, req *http.Request) *http.Response {
	t.Helper()
	handler, err := New(context.Background(), next, config, "test")
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Result()
}

func problemOf(t *testing.T, res *http.Response) problem {
	t.Helper()
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type is %q", got)
	}
	var document problem
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

func TestRequestID(t *testing.T) {
	kept := []string{"abcd1234", "A.b_c-9.x", strings.Repeat("a", 64)}
	replaced := []string{"", "short", strings.Repeat("a", 65), "has space!", "semi;colon", "sl/ashes/", "ünïcödé1", "a,b,c,d,e"}

	see := func(given ...string) (seen []string, answered []string) {
		req := httptest.NewRequest(http.MethodGet, "/x", nil)
		req.Header[requestIDHeader] = given
		res := serve(t, CreateConfig(), func(rw http.ResponseWriter, req *http.Request) {
			seen = req.Header.Values(requestIDHeader)
			rw.Header().Add(requestIDHeader, "the service's")
			rw.WriteHeader(http.StatusOK)
		}, req)
		return seen, res.Header.Values(requestIDHeader)
	}

	for _, id := range kept {
		seen, answered := see(id)
		if len(seen) != 1 || seen[0] != id || len(answered) != 1 || answered[0] != id {
			t.Errorf("%q became %q for the service and %q for the client", id, seen, answered)
		}
	}
	for _, id := range replaced {
		seen, answered := see(id)
		if len(seen) != 1 || seen[0] == id || !isWellFormed(seen[0]) || len(answered) != 1 || answered[0] != seen[0] {
			t.Errorf("%q became %q for the service and %q for the client", id, seen, answered)
		}
	}
	if seen, _ := see("abcd1234", "abcd1234"); len(seen) != 1 || seen[0] == "abcd1234" {
		t.Errorf("two values became %q", seen)
	}
}

func TestGatewayErrorsBecomeProblems(t *testing.T) {
	for status, code := range map[int]string{502: "GATEWAY_BAD_GATEWAY", 503: "GATEWAY_SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT", 429: "GATEWAY_TOO_MANY_REQUESTS", 500: "GATEWAY_ERROR"} {
		res := serve(t, CreateConfig(), func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "1")
			http.Error(rw, http.StatusText(status), status)
		}, httptest.NewRequest(http.MethodGet, "/a%20b?secret=1", nil))
		document := problemOf(t, res)
		if res.StatusCode != status || document.Status != status || document.Code != code {
			t.Errorf("%d became %d with %+v", status, res.StatusCode, document)
		}
		if document.Instance != "/a%20b" || document.RequestID != res.Header.Get(requestIDHeader) || document.RequestID == "" {
			t.Errorf("%d: %+v", status, document)
		}
		if res.Header.Get("Retry-After") != "1" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: headers %v", status, res.Header)
		}
	}
}

func TestServiceErrorsPassUntouched(t *testing.T) {
	marks := []http.Header{
		{"Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}},
		{"X-Request-Id": {"whatever"}},
		{"Content-Type": {"application/json"}},
	}
	for _, mark := range marks {
		res := serve(t, CreateConfig(), func(rw http.ResponseWriter, _ *http.Request) {
			for name, values := range mark {
				rw.Header()[name] = values
			}
			rw.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(rw, "mine")
		}, httptest.NewRequest(http.MethodGet, "/x", nil))
		body, _ := io.ReadAll(res.Body)
		if string(body) != "mine" || res.StatusCode != http.StatusBadGateway {
			t.Errorf("with %v: %d %q", mark, res.StatusCode, body)
		}
	}
}

func TestRefusedPaths(t *testing.T) {
	for _, target := range []string{"/api/a%2Fb", "/a%5Cb", "/a%00b", "/a%252e", "/a%3Fb", "/a%23b", "/a%3Bb", "/a%0D%0Ab", "/a;b"} {
		reached := false
		res := serve(t, CreateConfig(), func(http.ResponseWriter, *http.Request) { reached = true }, httptest.NewRequest(http.MethodGet, target, nil))
		if reached || res.StatusCode != http.StatusBadRequest || problemOf(t, res).Code != "GATEWAY_PATH_REFUSED" {
			t.Errorf("%s: reached=%v, %d", target, reached, res.StatusCode)
		}
	}
	for _, target := range []string{"/", "/api/v1/users/caf%C3%A9", "/a%20b", "/a%40b", "/a?x=%2F%5C%00;"} {
		reached := false
		serve(t, CreateConfig(), func(http.ResponseWriter, *http.Request) { reached = true }, httptest.NewRequest(http.MethodGet, target, nil))
		if !reached {
			t.Errorf("%s was refused", target)
		}
	}
}

func TestAnnouncedBodiesHaveALimit(t *testing.T) {
	for size, status := range map[int]int{100: http.StatusOK, 101: http.StatusRequestEntityTooLarge} {
		body := strings.NewReader(strings.Repeat("x", size))
		req := httptest.NewRequest(http.MethodPost, "/x", body)
		res := serve(t, &Config{Mode: "edge", MaxBodyBytes: 100}, func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
		}, req)
		if res.StatusCode != status || body.Len() != 0 {
			t.Errorf("%d bytes: %d, %d unread", size, res.StatusCode, body.Len())
		}
	}
}

func TestARefusedBodyIsReadBeforeTheAnswer(t *testing.T) {
	body := strings.NewReader("the rest")
	serve(t, CreateConfig(), func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Date", "now")
		rw.WriteHeader(http.StatusRequestEntityTooLarge)
	}, httptest.NewRequest(http.MethodPost, "/x", body))
	if body.Len() != 0 {
		t.Errorf("%d unread", body.Len())
	}
}

func TestStreamsAreFlushedAndWholeAnswersAreNot(t *testing.T) {
	flushed := func(prepare func(http.Header)) bool {
		handler, _ := New(context.Background(), http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			prepare(rw.Header())
			_, _ = io.WriteString(rw, "part")
		}), CreateConfig(), "test")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/x", nil))
		return recorder.Flushed
	}
	if !flushed(func(http.Header) {}) {
		t.Error("a stream waits")
	}
	if flushed(func(header http.Header) { header.Set("Content-Length", "4") }) {
		t.Error("an answer of known length is flushed")
	}
}

func TestInterimAnswersPass(t *testing.T) {
	var statuses []int
	handler, _ := New(context.Background(), http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusEarlyHints)
		rw.WriteHeader(http.StatusOK)
	}), CreateConfig(), "test")
	handler.ServeHTTP(&recordingWriter{statuses: &statuses, header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/x", nil))
	if len(statuses) != 2 || statuses[0] != http.StatusEarlyHints || statuses[1] != http.StatusOK {
		t.Errorf("%v", statuses)
	}
}

func TestUpgradesAreHandedOver(t *testing.T) {
	var statuses []int
	writer := &recordingWriter{statuses: &statuses, header: http.Header{}}
	handler, _ := New(context.Background(), http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if _, _, err := rw.(http.Hijacker).Hijack(); err != nil {
			t.Error(err)
		}
	}), CreateConfig(), "test")
	handler.ServeHTTP(writer, httptest.NewRequest(http.MethodGet, "/ws", nil))
	if !writer.hijacked || len(statuses) != 0 || len(writer.header) != 0 {
		t.Errorf("hijacked=%v, statuses %v, header %v", writer.hijacked, statuses, writer.header)
	}
}

func TestAbortsAreNotSwallowed(t *testing.T) {
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the abort was swallowed")
		}
	}()
	serve(t, CreateConfig(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, httptest.NewRequest(http.MethodGet, "/x", nil))
}

func TestNotFound(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "/nowhere", nil)
	req.Header.Set(requestIDHeader, "abcd1234")
	res := serve(t, &Config{Mode: "not-found"}, nil, req)
	if document := problemOf(t, res); res.StatusCode != 404 || document.Code != "GATEWAY_ROUTE_NOT_FOUND" || document.RequestID != "abcd1234" {
		t.Errorf("%d %+v", res.StatusCode, document)
	}
}

func TestRedirect(t *testing.T) {
	for _, c := range []struct {
		host, target, location string
		port                   int
	}{
		{"example.com", "/a/b?c=d&e", "https://example.com/a/b?c=d&e", 443},
		{"example.com:80", "/", "https://example.com/", 443},
		{"localhost:8000", "/x", "https://localhost:8443/x", 8443},
		{"[::1]:8000", "/x", "https://[::1]:8443/x", 8443},
		{"[::1]", "/x", "https://[::1]/x", 443},
	} {
		req := httptest.NewRequest(http.MethodGet, c.target, nil)
		req.Host = c.host
		res := serve(t, &Config{Mode: "redirect", HTTPSPort: c.port}, nil, req)
		if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != c.location {
			t.Errorf("%s%s: %d %q", c.host, c.target, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

func TestUnknownModeIsRefused(t *testing.T) {
	if _, err := New(context.Background(), nil, &Config{Mode: "egde"}, "test"); err == nil {
		t.Error("accepted")
	}
}

type recordingWriter struct {
	statuses *[]int
	header   http.Header
	hijacked bool
}

func (w *recordingWriter) Header() http.Header            { return w.header }
func (w *recordingWriter) Write(body []byte) (int, error) { return len(body), nil }
func (w *recordingWriter) WriteHeader(status int)         { *w.statuses = append(*w.statuses, status) }
func (w *recordingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return nil, nil, nil
}
