"""The addresses of the board."""

from django.urls import path

from reviewqueue.board import views

urlpatterns = [
    path("board", views.board, name="board"),
    path("board/rates.csv", views.rates, name="board-rates"),
    path("board/feedback.csv", views.feedback_csv, name="feedback-csv"),
    path("board/feedback.jsonl", views.feedback_jsonl, name="feedback-jsonl"),
]
