#pragma once

/// The files of the built-in image nginx. Private to image.cc.
namespace hoplab::proc {

inline constexpr const char* nginx_welcome_page = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Welcome to nginx!</title>
<style>
body { font-family: sans-serif; max-width: 36em; margin: 2em auto; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the web server of this pod works, and a packet found its way to it.</p>
<p>This page is /usr/share/nginx/html/index.html in the container: change it, or mount a ConfigMap
there.</p>
<p><em>Thank you for using nginx.</em></p>
</body>
</html>
)";

inline constexpr const char* nginx_error_page = R"(<!DOCTYPE html>
<html lang="en">
<head><title>Error</title></head>
<body>
<h1>An error occurred.</h1>
<p>The page cannot be shown at the moment.</p>
</body>
</html>
)";

inline constexpr const char* nginx_configuration =
    "# This image is hoplab's own web server with nginx's looks. It serves the files below\n"
    "# /usr/share/nginx/html on port 80 with two workers; this file is for readers only.\n"
    "user  nginx;\n"
    "worker_processes  2;\n"
    "http {\n"
    "    server {\n"
    "        listen       80;\n"
    "        root   /usr/share/nginx/html;\n"
    "        index  index.html index.htm;\n"
    "    }\n"
    "}\n";

}  // namespace hoplab::proc
