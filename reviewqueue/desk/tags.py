"""Filters every template has: how this product writes numbers, times and ids."""

from django.template import Library

register = Library()
