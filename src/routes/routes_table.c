/* The table of routes.c: what is served, and what /openapi.json says of it. */
#include "jobs/job_request.h"
#include "routes/handlers.h"
#include "routes/routes.h"

/*
 * Below these costs a request takes a millisecond or less, so that an event loop may run it itself.  The work
 * of an explanation and of a matrix grows with the square of the text.
 */
enum { COST_VECTORS = 16 << 10, COST_SQUARE = 4 << 10 };

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\",\"nullable\":true}"
#define COUNT "{\"type\":\"integer\",\"minimum\":1,\"nullable\":true}"
#define TEXTS "{\"type\":\"array\",\"minItems\":1,\"items\":" TEXT "}"
#define NAMES "{\"oneOf\":[" TEXT "," TEXTS "]}"
#define PAIR "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":" TEXT "}"
#define PAIRS "{\"type\":\"array\",\"minItems\":1,\"items\":" PAIR "}"
#define ENCODING "{\"type\":\"string\",\"enum\":[\"float\",\"base64\"]}"
#define NAME                                                                                                 \
	"{\"type\":\"string\",\"nullable\":true,"                                                            \
	"\"description\":\"NAME or NAME:METHOD; the default model when absent\"}"
#define MODEL                                                                                                \
	{ "model", NAME },                                                                                   \
	{                                                                                                    \
		"method", "{\"type\":\"string\",\"nullable\":true}"                                          \
	}

const struct route routes[] = {
	{ "/", HTTP_GET, "A page for people", .run = route_console, .type = "text/html; charset=utf-8" },
	{ "/live", HTTP_GET, "The process answers", .run = route_live },
	{ "/ready", HTTP_GET, "Models are open; 503 while it starts or drains", .run = route_ready },
	{ "/health", HTTP_GET, "The same as /ready", .run = route_ready },
	{ "/metrics", HTTP_GET, "Prometheus metrics", .run = route_metrics,
	  .type = "text/plain; version=0.0.4; charset=utf-8" },
	{ "/openapi.json", HTTP_GET, "This description", .run = route_openapi },
	{ "/v1/models", HTTP_GET, "The models in service", .run = route_models },
	{ "/v1/models/{name}", HTTP_GET, "One model", .run = route_model },
	{ "/v1/embeddings", HTTP_POST,
	  "Vectors of texts, by OpenAI's contract; raw float32 rows or .npy by Accept",
	  .answer = route_embeddings,
	  .members = { MODEL,
		       { "input", NAMES },
		       { "encoding_format", ENCODING },
		       { "dimensions", COUNT },
		       { "user", TEXT },
		       { "normalize", FLAG },
		       { "details", FLAG } },
	  .required = "input", .lenient = true, .values_per_input = 1, .offload_cost = COST_VECTORS },
	{ "/v1/similarity", HTTP_POST, "How alike: pairs, one with many, or every left with every right",
	  .answer = route_similarity,
	  .members = { MODEL,
		       { "pairs", PAIRS },
		       { "source", TEXT },
		       { "sentences", TEXTS },
		       { "left", TEXTS },
		       { "right", TEXTS } },
	  .values_per_text = 3, .offload_cost = COST_SQUARE },
	{ "/v1/explain", HTTP_POST, "What each word adds to a vector, or each pair of words to a score",
	  .answer = route_explain, .members = { MODEL, { "text", TEXT }, { "pair", PAIR } },
	  .offload_cost = COST_SQUARE },
	{ "/v1/search", HTTP_POST, "The best of the request's texts for each query", .answer = route_search,
	  .members = { MODEL,
		       { "query", TEXT },
		       { "queries", TEXTS },
		       { "texts", TEXTS },
		       { "top", COUNT },
		       { "return_text", FLAG } },
	  .required = "texts", .values_per_text = 3, .offload_cost = COST_SQUARE },
	{ "/v1/tokenize", HTTP_POST, "The words a model sees in a text", .answer = route_tokenize,
	  .members = { MODEL, { "text", TEXT } }, .required = "text", .offload_cost = COST_VECTORS },
	{ "/v1/corpora", HTTP_GET, "The uploaded corpora", .run = route_corpora, .needs_state = true,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ "/v1/corpora/{name}", HTTP_GET, "One corpus", .run = route_corpus, .needs_state = true },
	{ "/v1/corpora/{name}", HTTP_PUT, "Upload text, JSONL, or gzip, xz, zstd of either; chunked or not",
	  .run = route_corpus_put, .status = 201, .needs_state = true, .offload_cost = ROUTE_ALWAYS_OFFLOAD,
	  .open = corpus_open_stream, .write = corpus_write_stream, .drop = corpus_drop_stream },
	{ "/v1/corpora/{name}", HTTP_DELETE, "Remove a corpus", .run = route_corpus_delete,
	  .needs_state = true, .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ "/v1/jobs", HTTP_GET, "The jobs", .run = route_jobs, .needs_state = true,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ "/v1/jobs", HTTP_POST, "Start a job: fit, import, train, embed, eval", .run = route_job_add,
	  .status = 202, .members = { { "type", TEXT } }, .put_schema = job_request_put_schema,
	  .values_per_text = 4, .needs_state = true, .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ "/v1/jobs/{id}", HTTP_GET, "One job; ?wait=SECONDS waits for its end", .run = route_job,
	  .needs_state = true },
	{ "/v1/jobs/{id}", HTTP_DELETE, "Cancel a job", .run = route_job_cancel, .needs_state = true,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ "/v1/jobs/{id}/result", HTTP_GET, "The vectors that an embed job made: .npy or JSONL",
	  .run = route_job_result, .type = "application/x-npy", .needs_state = true },
};

const size_t routes_n = sizeof(routes) / sizeof(routes[0]);
