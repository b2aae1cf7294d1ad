import io

import openpyxl
import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(("language", "title"), [("zh-CN", "名称"), ("en", "Name")])
def test_a_template_opens_in_another_program_with_its_header(client: TestClient, language: str, title: str) -> None:
    answer = client.get(f"/templates/shelters.xlsx?lang={language}")
    header = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0][1]]
    assert any(str(value).startswith(title) for value in header)


def test_a_csv_template_has_the_mark_that_excel_needs(client: TestClient) -> None:
    assert client.get("/templates/aeds.csv").content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(("path", "status"), [("/templates/nothing.csv", 404), ("/templates/aeds.exe", 400)])
def test_there_is_no_other_template(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status
