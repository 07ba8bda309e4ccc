import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * The calls that Pulsar's JDBC sink issues, without its broker: one connection without auto-commit,
 * one prepared statement, 200 records a flush; by default execute() for each and a commit, with
 * useJdbcBatch addBatch() for each, executeBatch() and a commit. Text is bound by setString.
 */
public final class JdbcLoop {
  private static final String NULL = "\\N";
  private static final int RECORDS_A_FLUSH = 200;

  private JdbcLoop() {}

  /** URL execute|batch SQL ROWS_FILE WARM_UP: prints seconds of the rows after the first WARM_UP. */
  public static void main(String[] arguments) throws IOException, SQLException {
    List<String[]> rows = read(Path.of(arguments[3]));
    boolean batch = arguments[1].equals("batch");
    int warm = Integer.parseInt(arguments[4]);
    try (Connection connection = DriverManager.getConnection(arguments[0])) {
      connection.setAutoCommit(false);
      try (PreparedStatement statement = connection.prepareStatement(arguments[2])) {
        write(connection, statement, rows.subList(0, warm), batch);
        long began = System.nanoTime();
        write(connection, statement, rows.subList(warm, rows.size()), batch);
        System.out.println((System.nanoTime() - began) / 1e9);
      }
    }
  }

  private static void write(
      Connection connection, PreparedStatement statement, List<String[]> rows, boolean batch)
      throws SQLException {
    for (int first = 0; first < rows.size(); first += RECORDS_A_FLUSH) {
      for (String[] row : rows.subList(first, Math.min(first + RECORDS_A_FLUSH, rows.size()))) {
        for (int column = 0; column < row.length; column++) {
          statement.setString(column + 1, row[column]);
        }
        if (batch) {
          statement.addBatch();
        } else {
          statement.execute();
        }
      }
      if (batch) {
        statement.executeBatch();
      }
      connection.commit();
    }
  }

  /** One row a line, values apart by tabs. */
  private static List<String[]> read(Path file) throws IOException {
    List<String[]> rows = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] row = line.split("\t", -1);
        for (int column = 0; column < row.length; column++) {
          row[column] = row[column].equals(NULL) ? null : row[column];
        }
        rows.add(row);
      }
    }
    return rows;
  }
}
