/* GET /: one self-contained page that shows what is served and lets a person try it. */
#include "routes/handlers.h"

#include "routes/service.h"

static const char page[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>sifd</title>\n"
	"<style>\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}\n"
	"textarea,input,select,button{font:inherit;width:100%;box-sizing:border-box;margin:.2rem 0}\n"
	"button{width:auto;padding:.2rem 1rem}\n"
	"table{border-collapse:collapse;font-size:.85rem}td,th{padding:.15rem .4rem;text-align:right}\n"
	"pre{background:#8881;padding:.6rem;overflow:auto}\n"
	"</style>\n"
	"<h1>sifd</h1>\n"
	"<p>Sentence vectors and similarity scores from word vectors. How alike are two texts, and why?</p>\n"
	"<form id=\"f\">\n"
	"<label>Model <select id=\"m\"></select></label>\n"
	"<input id=\"a\" aria-label=\"first text\" value=\"a cat sat on the mat\">\n"
	"<input id=\"b\" aria-label=\"second text\" value=\"a kitten rests on a rug\">\n"
	"<button>Compare</button>\n"
	"</form>\n"
	"<p id=\"s\" role=\"status\"></p>\n<div id=\"t\"></div>\n"
	"<h2>The same with curl</h2>\n"
	"<pre>curl HOST/v1/similarity -d '{\"pairs\": [[\"a cat\", \"a kitten\"]]}'\n"
	"curl HOST/v1/embeddings -d '{\"input\": [\"hello world\", \"good morning\"]}'\n"
	"curl HOST/v1/search -d '{\"query\": \"reset my password\", \"texts\": [\"I forgot it\", \"opening "
	"hours\"]}'\n"
	"curl -T corpus.txt HOST/v1/corpora/news\n"
	"curl HOST/v1/jobs -d "
	"'{\"type\":\"fit\",\"corpus\":\"news\",\"output\":\"news\",\"method\":\"sif\"}'</pre>\n"
	"<p><a href=\"/v1/models\">models</a> &middot; <a href=\"/v1/corpora\">corpora</a> &middot; "
	"<a href=\"/v1/jobs\">jobs</a> &middot; <a href=\"/metrics\">metrics</a> &middot; "
	"<a href=\"/openapi.json\">openapi.json</a> &middot; <a href=\"/health\">health</a></p>\n"
	"<script>\n"
	"const $=i=>document.getElementById(i);\n"
	"const cell=(r,x,n)=>{const c=document.createElement(n||'td');c.textContent=x;r.append(c);return "
	"c};\n"
	"document.querySelector('pre').textContent=document.querySelector('pre').textContent"
	".replaceAll('HOST',location.host);\n"
	"fetch('/v1/models').then(r=>r.json()).then(l=>l.data.forEach(m=>{\n"
	" const "
	"o=document.createElement('option');o.textContent=m.id;o.selected=m.default;$('m').append(o)}));\n"
	"$('f').onsubmit=async e=>{e.preventDefault();$('t').textContent='';\n"
	" const r=await fetch('/v1/explain',{method:'POST',body:JSON.stringify(\n"
	"  {model:$('m').value,pair:[$('a').value,$('b').value]})});\n"
	" const j=await r.json();\n"
	" if(!r.ok){$('s').textContent=j.error.message;return}\n"
	" $('s').textContent='score '+j.score.toFixed(3)+' by '+j.model+' ('+j.method+'); known: '+\n"
	"  Math.round(100*j.left.coverage)+' % and '+Math.round(100*j.right.coverage)+' % of the words';\n"
	" const t=document.createElement('table'),h=t.insertRow();cell(h,'','th');\n"
	" j.right.words.forEach(w=>cell(h,w.token,'th'));\n"
	" j.left.words.forEach((w,i)=>{const r=t.insertRow();cell(r,w.token,'th');\n"
	"  j.parts[i].forEach(p=>{const c=cell(r,p.toFixed(3));\n"
	"   c.style.background='rgba('+(p>0?'0,128,0':'200,0,0')+','+Math.min(1,3*Math.abs(p))+')'})});\n"
	" $('t').append(t)};\n"
	"</script>\n</html>\n";

int route_console(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	(void)context;
	(void)request;
	(void)err;
	buf_add(&reply->body, page, sizeof(page) - 1);
	return 0;
}
