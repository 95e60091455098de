/* /v1/corpora: the uploads that jobs read, by name. */
#include "routes/handlers.h"

#include "base/mem.h"
#include "jobs/jobs.h"
#include "jobs/uploads.h"
#include "model/registry.h"
#include "routes/request.h"
#include "routes/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENCODING_BYTES = 16, AGAIN_MS = 1 };

struct stream {
	struct upload *upload;
	char name[LIMIT_NAME_BYTES + 1];
	char encoding[ENCODING_BYTES];
};

/* The name in the path, into to[LIMIT_NAME_BYTES + 1]. */
static int take_name(const struct request *request, char *to, struct err *err)
{
	if (registry_check_name(request->name, request->name_n, err))
		return err_prefix(err, "the corpus's name in the path");
	memcpy(to, request->name, request->name_n);
	to[request->name_n] = '\0';
	return 0;
}

static void put_record(struct buf *to, const struct corpus_record *corpus)
{
	json_put_text(to, "{\"name\":", corpus->name);
	buf_printf(to, ",\"bytes\":%llu,\"lines\":%llu,\"sha256\":\"%s\",\"stored\":%llu,\"created\":%lld}",
		   (unsigned long long)corpus->bytes, (unsigned long long)corpus->lines, corpus->sha256,
		   (unsigned long long)corpus->stored, (long long)(corpus->created_ms / 1000));
}

void *corpus_open_stream(struct context *context, const struct request *request, const char *encoding,
			 struct err *err)
{
	struct stream *stream;
	char name[LIMIT_NAME_BYTES + 1];

	if (take_name(request, name, err) || upload_check_encoding(encoding, err))
		return NULL;
	stream = mem_new(1, sizeof(*stream));
	(void)snprintf(stream->name, sizeof(stream->name), "%s", name);
	(void)snprintf(stream->encoding, sizeof(stream->encoding), "%s", encoding);
	stream->upload = upload_open(context->service->uploads, err);
	if (stream->upload)
		return stream;
	free(stream);
	return NULL;
}

int corpus_write_stream(void *stream, const char *bytes, size_t n, struct err *err)
{
	return upload_write(((struct stream *)stream)->upload, bytes, n, err);
}

void corpus_drop_stream(void *stream)
{
	struct stream *s = stream;

	if (!s)
		return;
	upload_close(s->upload);
	free(s);
}

int route_corpus_put(struct context *context, const struct request *request, struct reply *reply,
		     struct err *err)
{
	struct stream *stream = request->stream;
	struct corpus_record record;
	int more = upload_check(stream->upload, stream->encoding, err);

	(void)context;
	if (more < 0)
		return -1;
	if (more > 0) {
		/* Checking a big one takes turns with other requests.  In a drain there is no next turn. */
		(void)err_set(err, ERR_MEMORY,
			      "the server stops before the upload was checked; send it again");
		reply_error(reply, err);
		reply->again_ms = AGAIN_MS;
		return ROUTE_AGAIN;
	}
	if (upload_keep(stream->upload, stream->name, &record, err))
		return -1;
	(void)snprintf(reply->location, sizeof(reply->location), "/v1/corpora/%s", record.name);
	put_record(&reply->body, &record);
	buf_byte(&reply->body, '\n');
	return 0;
}

int route_corpora(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	struct corpus_record *corpora;
	size_t n;

	(void)request;
	if (uploads_list(context->service->uploads, &corpora, &n, err))
		return -1;
	buf_text(&reply->body, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		buf_text(&reply->body, i ? "," : "");
		put_record(&reply->body, &corpora[i]);
	}
	buf_text(&reply->body, "]}\n");
	free(corpora);
	return 0;
}

int route_corpus(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	char name[LIMIT_NAME_BYTES + 1];
	struct corpus_record record;

	if (take_name(request, name, err) || uploads_find(context->service->uploads, &record, name, err))
		return -1;
	put_record(&reply->body, &record);
	buf_byte(&reply->body, '\n');
	return 0;
}

int route_corpus_delete(struct context *context, const struct request *request, struct reply *reply,
			struct err *err)
{
	char name[LIMIT_NAME_BYTES + 1];

	if (take_name(request, name, err) || uploads_remove(context->service->uploads, name, err))
		return -1;
	json_put_text(&reply->body, "{\"name\":", name);
	buf_text(&reply->body, ",\"deleted\":true}\n");
	return 0;
}
