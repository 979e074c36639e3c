"""What every response passes through, outermost first."""

from django.conf import settings
from django.http import HttpResponse


def backend_name(get_response):
    """Says which backend answered, also on errors and static files: shares are counted by it."""

    def middleware(request):
        response = get_response(request)
        response["X-Backend"] = settings.BACKEND_NAME
        return response

    return middleware


def health(get_response):
    """Answers /healthz before the Host header is looked at: probes come by address, not by name."""

    def middleware(request):
        if request.path == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})
        return get_response(request)

    return middleware
