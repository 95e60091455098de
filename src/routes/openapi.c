#include "routes/openapi.h"

#include "base/buf.h"
#include "routes/routes.h"
#include "routes/wire.h"

#include <stdbool.h>
#include <string.h>

struct operation {
	const char *path;
	enum http_method verb;
	int status; /* when all is well */
	const char *summary;
	const char *request; /* the schema's properties, in JSON; NULL: no JSON body */
	const char *required;
	const char *type; /* of the answer */
};

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\",\"nullable\":true}"
#define NUMBER "{\"type\":\"number\",\"nullable\":true}"
#define COUNT "{\"type\":\"integer\",\"minimum\":1,\"nullable\":true}"
#define NATURAL "{\"type\":\"integer\",\"minimum\":0,\"nullable\":true}"
#define TEXTS "{\"type\":\"array\",\"minItems\":1,\"items\":" TEXT "}"
#define NAMES "{\"oneOf\":[" TEXT "," TEXTS "]}"
#define PAIR "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":" TEXT "}"
#define MODEL                                                                                                \
	"\"model\":{\"type\":\"string\",\"nullable\":true,"                                                  \
	"\"description\":\"NAME or NAME:METHOD; the default model when absent\"},"                           \
	"\"method\":{\"type\":\"string\",\"nullable\":true}"

/* Of train jobs: uploads by name, or the pairs themselves. */
#define SCORED                                                                                               \
	"{\"type\":\"array\",\"minItems\":3,\"maxItems\":3,\"items\":{\"oneOf\":[" TEXT                      \
	",{\"type\":\"number\"}]}}"
#define MANY_PAIRS "{\"type\":\"array\",\"minItems\":1,\"items\":" PAIR "}"
#define MANY_SCORED "{\"type\":\"array\",\"minItems\":1,\"items\":" SCORED "}"
#define LEARN "{\"type\":\"string\",\"enum\":[\"weights\",\"vectors\",\"lstm\",\"alacarte\"]}"

static const struct operation operations[] = {
	{ "/", HTTP_GET, 200, "A page for people", NULL, NULL, "text/html" },
	{ "/live", HTTP_GET, 200, "The process answers", NULL, NULL, NULL },
	{ "/ready", HTTP_GET, 200, "Models are open; 503 while it starts or drains", NULL, NULL, NULL },
	{ "/health", HTTP_GET, 200, "The same as /ready", NULL, NULL, NULL },
	{ "/metrics", HTTP_GET, 200, "Prometheus metrics", NULL, NULL, "text/plain" },
	{ "/openapi.json", HTTP_GET, 200, "This description", NULL, NULL, NULL },
	{ "/v1/models", HTTP_GET, 200, "The models in service", NULL, NULL, NULL },
	{ "/v1/models/{name}", HTTP_GET, 200, "One model", NULL, NULL, NULL },
	{ "/v1/embeddings", HTTP_POST, 200,
	  "Vectors of texts, by OpenAI's contract; raw float32 rows or .npy by Accept",
	  MODEL ",\"input\":{\"oneOf\":[" TEXT "," TEXTS "]},\"encoding_format\":{\"type\":\"string\","
		"\"enum\":[\"float\",\"base64\"]},\"dimensions\":" COUNT ",\"user\":{\"type\":\"string\"},"
		"\"normalize\":" FLAG ",\"details\":" FLAG,
	  "\"input\"", NULL },
	{ "/v1/similarity", HTTP_POST, 200, "How alike: pairs, one with many, or every left with every right",
	  MODEL ",\"pairs\":{\"type\":\"array\",\"minItems\":1,\"items\":" PAIR "},\"source\":" TEXT
		",\"sentences\":" TEXTS ",\"left\":" TEXTS ",\"right\":" TEXTS,
	  NULL, NULL },
	{ "/v1/explain", HTTP_POST, 200, "What each word adds to a vector, or each pair of words to a score",
	  MODEL ",\"text\":" TEXT ",\"pair\":" PAIR, NULL, NULL },
	{ "/v1/search", HTTP_POST, 200, "The best of the request's texts for each query",
	  MODEL ",\"query\":" TEXT ",\"queries\":" TEXTS ",\"texts\":" TEXTS ",\"top\":" COUNT
		",\"return_text\":" FLAG,
	  "\"texts\"", NULL },
	{ "/v1/tokenize", HTTP_POST, 200, "The words a model sees in a text", MODEL ",\"text\":" TEXT,
	  "\"text\"", NULL },
	{ "/v1/corpora", HTTP_GET, 200, "The uploaded corpora", NULL, NULL, NULL },
	{ "/v1/corpora/{name}", HTTP_GET, 200, "One corpus", NULL, NULL, NULL },
	{ "/v1/corpora/{name}", HTTP_PUT, 201,
	  "Upload text, JSONL, or gzip, xz, zstd of either; chunked or not", NULL, NULL, NULL },
	{ "/v1/corpora/{name}", HTTP_DELETE, 200, "Remove a corpus", NULL, NULL, NULL },
	{ "/v1/jobs", HTTP_GET, 200, "The jobs", NULL, NULL, NULL },
	{ "/v1/jobs", HTTP_POST, 202, "Start a job: fit, import, train, embed, eval",
	  "\"type\":{\"type\":\"string\",\"enum\":[\"fit\",\"import\",\"train\",\"embed\",\"eval\"]},"
	  "\"model\":" TEXT ",\"corpus\":" NAMES ",\"texts\":" TEXTS ",\"sets\":" NAMES ",\"vectors\":" TEXT
	  ",\"output\":" TEXT ",\"method\":" NAMES ",\"a\":" NUMBER
	  ",\"components\":{\"type\":\"integer\",\"nullable\":true},"
	  "\"power\":" NUMBER ",\"prior\":" NUMBER ",\"unit\":" TEXT ",\"min_count\":" COUNT
	  ",\"keep_counts\":" FLAG ",\"fold\":" FLAG ",\"overlay\":" FLAG ",\"normalize\":" FLAG
	  ",\"format\":" TEXT ",\"dtype\":" TEXT ",\"max_words\":" COUNT ",\"counts\":" TEXT
	  ",\"workers\":" COUNT ",\"seed\":{\"type\":\"integer\",\"nullable\":true},\"learn\":" LEARN
	  ",\"pairs\":{\"oneOf\":[" TEXT "," TEXTS "," MANY_PAIRS "]},\"scored\":{\"oneOf\":[" TEXT "," TEXTS
	  "," MANY_SCORED "]},\"dev\":" NAMES ",\"kind\":" TEXT ",\"objective\":" TEXT ",\"negatives\":" TEXT
	  ",\"temperature\":" NUMBER ",\"margin\":" NUMBER ",\"epochs\":" COUNT ",\"batch\":" COUNT
	  ",\"lr\":" NUMBER ",\"lr_weights\":" NUMBER ",\"lr_matrix\":" NUMBER ",\"l2\":" NUMBER
	  ",\"warmup\":" NUMBER ",\"patience\":" NATURAL ",\"scores\":" COUNT ",\"matrix\":" FLAG
	  ",\"dimensions\":" COUNT ",\"states\":" COUNT ",\"layers\":" COUNT ",\"directions\":" COUNT
	  ",\"pooling\":" TEXT ",\"dropout\":" NUMBER ",\"scramble\":" NUMBER ",\"window\":" COUNT
	  ",\"fit_count\":" COUNT ",\"new_words\":" NATURAL,
	  "\"type\"", NULL },
	{ "/v1/jobs/{id}", HTTP_GET, 200, "One job; ?wait=SECONDS waits for its end", NULL, NULL, NULL },
	{ "/v1/jobs/{id}", HTTP_DELETE, 200, "Cancel a job", NULL, NULL, NULL },
	{ "/v1/jobs/{id}/result", HTTP_GET, 200, "The vectors that an embed job made: .npy or JSONL", NULL,
	  NULL, "application/x-npy" },
};

static const struct operation *find(const struct route *route)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (operations[i].verb == route->verb && strcmp(operations[i].path, route->path) == 0)
			return &operations[i];
	return NULL;
}

static void put_parameter(struct buf *to, const char *path)
{
	const char *brace = strchr(path, '{');

	if (brace)
		buf_printf(to,
			   ",\"parameters\":[{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
			   "\"schema\":" TEXT "}]",
			   (int)strcspn(brace + 1, "}"), brace + 1);
}

static void put_body(struct buf *to, const struct operation *o)
{
	if (o->request) {
		buf_text(to,
			 ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":"
			 "{\"type\":\"object\",\"properties\":{");
		buf_text(to, o->request);
		buf_byte(to, '}');
		if (o->required)
			buf_printf(to, ",\"required\":[%s]", o->required);
		buf_text(to, "}}}}");
	} else if (o->verb == HTTP_PUT) {
		buf_text(to, ",\"requestBody\":{\"required\":true,\"content\":{\"application/octet-stream\":{"
			     "\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}}");
	}
}

static void put_operation(struct buf *to, const struct operation *o)
{
	static const char *const verbs[HTTP_COUNT] = { "get", "post", "put", "delete" };

	buf_printf(to, "\"%s\":{\"summary\":", verbs[o->verb]);
	json_put_text(to, o->summary);
	put_parameter(to, o->path);
	put_body(to, o);
	buf_printf(to,
		   ",\"responses\":{\"%d\":{\"description\":\"done\",\"content\":{\"%s\":{}}},"
		   "\"default\":{\"$ref\":\"#/components/responses/error\"}}}",
		   o->status, o->type ? o->type : "application/json");
}

void openapi_write(struct buf *to)
{
	buf_text(to, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"sifd\",\"version\":\"" SIFD_VERSION
		     "\",\"description\":\"Sentence vectors and similarity scores from word vectors.\"},"
		     "\"paths\":{");
	for (size_t i = 0; i < routes_n; i++) {
		const struct operation *o = find(&routes[i]);
		bool begins = i == 0 || strcmp(routes[i].path, routes[i - 1].path) != 0;

		if (!o)
			continue;
		if (begins) {
			buf_text(to, i ? "}," : "");
			json_put_text(to, routes[i].path);
			buf_text(to, ":{");
		} else {
			buf_byte(to, ',');
		}
		put_operation(to, o);
	}
	buf_text(to, "}},\"components\":{\"responses\":{\"error\":{\"description\":\"what went "
		     "wrong\",\"content\":{"
		     "\"application/"
		     "json\":{\"schema\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{"
		     "\"error\":{\"type\":\"object\",\"required\":[\"message\",\"type\",\"param\",\"code\"],"
		     "\"properties\":{\"message\":" TEXT ",\"type\":" TEXT
		     ",\"param\":{\"type\":\"string\",\"nullable\":true},"
		     "\"code\":{\"type\":\"string\",\"nullable\":true}}}}}}}}}}}\n");
}
